// The plugins of Telerun's front end.

import { ILabShell, ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorExtensionRegistry, IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { DocumentRegistry } from '@jupyterlab/docregistry';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { TabPanel, Widget } from '@lumino/widgets';

import { addJobCommands, told } from './commands';
import { telerunIcon } from './icons';
import { JobView, Tab } from './jobview/jobview';
import { languageOfFile } from './magicline';
import { JobsManager } from './manager';
import { addCellCommands } from './notebook/commands';
import { editorLink } from './notebook/editorlink';
import { addLanguages } from './notebook/highlight';
import { Notifications, announce } from './notify';
import { ExecutorsView } from './panel/executors';
import { JobsPanel } from './panel/panel';
import { JOB_MIME } from './protocol';
import { JobOutput } from './renderer';
import { Api, chooseServer, submitFile } from './restapi';
import { StatusItem } from './statusbar';
import { askOptions } from './submitdialog';
import { CommandIDs, ITelerun, Telerun } from './telerun';
import { VERSION } from './version';

const SETTINGS = 'telerun-lab:plugin';
const WIDE_PX = 700; // of the main area, where a notebook and a job fit side by side

const core: JupyterFrontEndPlugin<Telerun> = {
  id: 'telerun-lab:jobs',
  description: 'The jobs of this user, kept up to date.',
  autoStart: true,
  provides: ITelerun,
  optional: [INotebookTracker, ITranslator],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker | null, translator: ITranslator | null): Telerun => {
    const trans = (translator ?? nullTranslator).load('telerun_lab');
    const manager = new JobsManager(new Api(app.serviceManager.serverSettings, trans), VERSION);
    const telerun = { manager, trans, commands: app.commands };
    addJobCommands(telerun, tracker);
    return telerun;
  }
};

const panel: JupyterFrontEndPlugin<void> = {
  id: SETTINGS,
  description: 'The sidebar, the view of one job, the executors and the status bar item.',
  autoStart: true,
  requires: [ITelerun],
  optional: [ISettingRegistry, ILayoutRestorer, ICommandPalette, ILauncher, IStatusBar, INotebookTracker, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    telerun: Telerun,
    registry: ISettingRegistry | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    statusBar: IStatusBar | null,
    notebooks: INotebookTracker | null,
    labShell: ILabShell | null
  ): void => {
    const { commands, shell } = app;
    const { trans } = telerun;
    const area = labShell ? 'main' : 'down'; // Notebook's main area is full with the notebook

    const bringUp = (widget: Widget): void => {
      shell.activateById(widget.id);
      const tabs = widget.parent?.parent;
      if (tabs instanceof TabPanel) {
        tabs.currentWidget = widget; // Notebook leaves that to the user
      }
    };

    const jobsPanel = new JobsPanel(telerun);
    shell.add(jobsPanel, 'left', { rank: 350, type: 'Telerun' });
    restorer?.add(jobsPanel, 'telerun-panel');

    const jobs = new WidgetTracker<MainAreaWidget<JobView>>({ namespace: 'telerun-jobs' });
    const executors = new WidgetTracker<MainAreaWidget<ExecutorsView>>({ namespace: 'telerun-executors' });

    commands.addCommand(CommandIDs.openPanel, {
      label: trans.__('Telerun Jobs'),
      caption: trans.__('Show the jobs that run remotely'),
      icon: telerunIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => shell.activateById(jobsPanel.id)
    });
    commands.addCommand(CommandIDs.openJob, {
      label: trans.__('Open Job'),
      caption: trans.__('Show everything of one job'),
      describedBy: {
        args: { type: 'object', properties: { job: { type: 'string' }, tab: { type: 'string' } }, required: ['job'] }
      },
      execute: args => {
        const id = String(args.job);
        const tab = args.tab as Tab | undefined;
        const open = jobs.find(widget => widget.content.jobId === id);
        if (open) {
          open.content.tab = tab ?? open.content.tab;
          bringUp(open);
          return;
        }
        const view = new JobView(telerun, id, tab ?? 'log', job => notebooks && editorLink(notebooks, job));
        const widget = new MainAreaWidget({ content: view });
        widget.id = `telerun-job-area-${id}`;
        widget.content.toggleClass('tr-mod-below', !labShell);
        widget.toolbar.hide();
        const other = jobs.find(({ isVisible }) => isVisible);
        const isWide = (shell.currentWidget?.node.clientWidth ?? 0) >= WIDE_PX;
        const place: DocumentRegistry.IOpenOptions = other
          ? { mode: 'tab-after', ref: other.id }
          : { mode: isWide ? 'split-right' : 'tab-after' };
        shell.add(widget, area, { type: 'Telerun job', ...(labShell && place) });
        void jobs.add(widget);
        bringUp(widget);
      }
    });
    commands.addCommand(CommandIDs.openExecutors, {
      label: trans.__('Telerun Executors'),
      caption: trans.__('Show the machines that run jobs'),
      icon: telerunIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        const open = executors.find(() => true);
        const widget = open ?? new MainAreaWidget({ content: new ExecutorsView(telerun) });
        if (!open) {
          widget.id = 'telerun-executors-area';
          widget.content.toggleClass('tr-mod-below', !labShell);
          widget.toolbar.hide();
          void executors.add(widget);
          shell.add(widget, area, { type: 'Telerun executors' });
        }
        bringUp(widget);
      }
    });
    void restorer?.restore(jobs, {
      command: CommandIDs.openJob,
      args: ({ content }) => ({ job: content.jobId, tab: content.tab }),
      name: ({ content }) => content.jobId
    });
    void restorer?.restore(executors, { command: CommandIDs.openExecutors, name: () => 'executors' });

    const category = trans.__('Telerun');
    for (const id of Object.values(CommandIDs)) {
      if (id !== CommandIDs.openJob && id !== CommandIDs.submitFile) {
        palette?.addItem({ command: id, category });
      }
    }
    launcher?.add({ command: CommandIDs.openPanel, category: trans.__('Other'), rank: 10 });
    launcher?.add({ command: CommandIDs.openExecutors, category: trans.__('Other'), rank: 11 });
    statusBar?.registerStatusItem('telerun:status', {
      item: new StatusItem(telerun),
      align: 'left',
      rank: 40
    });

    let notifications: Notifications = 'out-of-sight';
    announce(
      telerun,
      notebooks,
      () => notifications,
      job => {
        const view = jobs.find(widget => widget.content.jobId === job.id);
        return view ? (view.isVisible ? 'shown' : 'hidden') : 'none';
      }
    );

    let options = '';
    if (notebooks) {
      addCellCommands(telerun, notebooks, () => options);
    }
    void registry?.load(SETTINGS).then(settings => {
      let side = 'left';
      let server: string | null = null;
      const apply = (): void => {
        notifications = settings.get('notifications').composite as Notifications;
        options = settings.get('options').composite as string;
        const chosen = (settings.get('server').composite as string).trim();
        if (chosen !== server) {
          server = chosen;
          const done = chooseServer(telerun.manager.api, chosen || null);
          void (chosen ? told(done) : done.catch(() => undefined)); // what is wrong then, the panel says
        }
        const wanted = settings.get('side').composite as string;
        if (wanted !== side) {
          side = wanted;
          shell.add(jobsPanel, side, { rank: 350, type: 'Telerun' });
        }
      };
      settings.changed.connect(apply);
      apply();
    });
  }
};

const renderer: JupyterFrontEndPlugin<void> = {
  id: 'telerun-lab:renderer',
  description: 'The output of a job below its cell, live.',
  autoStart: true,
  requires: [ITelerun, IRenderMimeRegistry],
  optional: [INotebookTracker],
  activate: (
    _: JupyterFrontEnd,
    telerun: Telerun,
    rendermime: IRenderMimeRegistry,
    tracker: INotebookTracker | null
  ): void => {
    rendermime.addFactory({
      safe: true,
      mimeTypes: [JOB_MIME],
      defaultRank: 10,
      createRenderer: () => new JobOutput(telerun, rendermime, tracker)
    });
  }
};

const highlighting: JupyterFrontEndPlugin<void> = {
  id: 'telerun-lab:highlighting',
  description: 'Colours %%telerun cells by their language.',
  autoStart: true,
  requires: [IEditorLanguageRegistry, IEditorExtensionRegistry],
  activate: (_: JupyterFrontEnd, languages: IEditorLanguageRegistry, extensions: IEditorExtensionRegistry): void =>
    addLanguages(languages, extensions)
};

const files: JupyterFrontEndPlugin<void> = {
  id: 'telerun-lab:files',
  description: 'Runs files of the file browser.',
  autoStart: true,
  requires: [ITelerun, IFileBrowserFactory],
  activate: (app: JupyterFrontEnd, telerun: Telerun, factory: IFileBrowserFactory): void => {
    const { trans, manager } = telerun;
    const selected = (): { path: string; isFolder: boolean; language: string } | null => {
      const items = [...(factory.tracker.currentWidget?.selectedItems() ?? [])];
      if (items.length !== 1) {
        return null;
      }
      const [{ path, type }] = items;
      const isFolder = type === 'directory';
      const language = isFolder ? 'project' : languageOfFile(path);
      return language ? { path, isFolder, language } : null;
    };
    app.commands.addCommand(CommandIDs.submitFile, {
      label: trans.__('Run on Telerun…'),
      caption: trans.__('Submit this file or folder as a job'),
      icon: telerunIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      isVisible: () => selected() !== null,
      execute: async () => {
        const file = selected();
        const options = file && (await askOptions(file.path, file.isFolder, { language: file.language }, trans));
        if (file && options) {
          await told(
            submitFile(manager.api, file.path, options).then(({ job }) => {
              manager.add(job);
              return app.commands.execute(CommandIDs.openJob, { job: job.id });
            })
          );
        }
      }
    });
  }
};

export default [core, panel, renderer, highlighting, files];
