// What can be done with a job, from wherever it is shown.

import { Clipboard, InputDialog, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { CommandRegistry } from '@lumino/commands';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { cliCommand } from './clicommand';
import { isFinal, mainFile } from './jobs';
import { cellOf, contentsPath, insertCell } from './notebook/cells';
import { Job } from './protocol';
import { ApiError, fetchSource, startLocal, submitAgain } from './restapi';
import { CommandIDs, Telerun } from './telerun';

type Args = ReadonlyPartialJSONObject;

const JOB_ARGS = {
  type: 'object' as const,
  properties: { job: { type: 'string' as const, description: 'The id of the job; asked for where it is missing' } }
};

/** Says plainly what went wrong with something that a person asked for. */
export async function told(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const hint = error instanceof ApiError ? error.problem.hint : null;
    Notification.error([(error as Error).message, hint].filter(Boolean).join(' '), { autoClose: 8000 });
  }
}

export function addJobCommands(telerun: Telerun, tracker: INotebookTracker | null): void {
  const { commands, manager, trans } = telerun;

  const jobOf = (args: Args): Job | undefined => manager.jobs.get(String(args.job ?? ''));

  const chosen = async (args: Args): Promise<Job | null> => {
    if (typeof args.job === 'string') {
      return manager.job(args.job);
    }
    const answer = await InputDialog.getText({
      title: trans.__('Which job?'),
      label: trans.__('Its number or id'),
      okLabel: trans.__('OK')
    });
    const text = answer.value?.trim().replace(/^#/, '');
    return text ? ([...manager.jobs.values()].find(job => `${job.number}` === text) ?? manager.job(text)) : null;
  };

  const add = (
    id: string,
    label: string,
    caption: string,
    act: (job: Job) => Promise<unknown> | void,
    isEnabled: (args: Args) => boolean = () => true
  ): void => {
    const options: CommandRegistry.ICommandOptions = {
      label,
      caption,
      isEnabled,
      describedBy: { args: JOB_ARGS },
      execute: args =>
        told(
          chosen(args).then(async job => {
            if (job) {
              await act(job);
            }
          })
        )
    };
    commands.addCommand(id, options);
  };

  add(
    CommandIDs.cancelJob,
    trans.__('Cancel'),
    trans.__('End this job wherever it runs'),
    job => manager.cancel(job.id),
    args => {
      const job = jobOf(args);
      return !job || (!isFinal(job.state) && !job.cancel_requested);
    }
  );
  add(CommandIDs.runAgain, trans.__('Run again'), trans.__('Submit the same job once more'), async job => {
    const again = await submitAgain(manager.api, job);
    manager.add(again);
    await commands.execute(CommandIDs.openJob, { job: again.id });
  });
  add(
    CommandIDs.copyCommand,
    trans.__('Copy as command'),
    trans.__('Copy the command line that runs this job from a shell'),
    async job => {
      Clipboard.copyToSystem(cliCommand(job.spec));
      Notification.success(trans.__('Copied.'), { autoClose: 2000 });
    }
  );
  commands.addCommand(CommandIDs.startLocal, {
    label: trans.__('Start a Local Server'),
    caption: trans.__("Start the user's own queue server and executor on this machine"),
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => {
      const started = startLocal(manager.api).then(status => {
        manager.reconnect();
        return status.url ?? '';
      });
      Notification.promise(started, {
        pending: { message: trans.__('Starting a local server …') },
        success: { message: url => trans.__('The local server is running at %1', url), options: { autoClose: 4000 } },
        error: { message: error => (error as Error).message }
      });
    }
  });
  if (!tracker) {
    return;
  }
  const hasNotebook = (): boolean => tracker.currentWidget !== null;
  add(
    CommandIDs.showCell,
    trans.__('Show cell'),
    trans.__('Jump to the cell that made this job'),
    async job => {
      const path = job.spec.notebook && contentsPath(job.spec.notebook);
      if (!cellOf(tracker, job) && path) {
        await commands.execute('docmanager:open', { path });
        await tracker.currentWidget?.context.ready;
      }
      const place = cellOf(tracker, job);
      if (!place) {
        throw new Error(trans.__('The cell that made this job is not in any open notebook.'));
      }
      await commands.execute('docmanager:open', { path: place.panel.context.path });
      const { content } = place.panel;
      content.activeCellIndex = content.widgets.indexOf(place.cell);
      await content.scrollToCell(place.cell);
    },
    args => {
      const job = jobOf(args);
      return !job || Boolean(job.spec.cell_id && (cellOf(tracker, job) ?? job.spec.notebook));
    }
  );
  add(
    CommandIDs.openSource,
    trans.__('Source to new cell'),
    trans.__('Put the source of this job into a new cell'),
    async job => {
      const source = await fetchSource(manager.api, job, new AbortController().signal);
      const panel = tracker.currentWidget;
      if (source === null || !panel) {
        throw new Error(trans.__('This job has no single source file, or no notebook is open.'));
      }
      insertCell(panel, `%%telerun ${job.spec.language}\n${source}`);
    },
    args => {
      const job = jobOf(args);
      return hasNotebook() && (!job || mainFile(job.spec) !== undefined);
    }
  );
  add(
    CommandIDs.insertJob,
    trans.__('Insert as variable'),
    trans.__('Insert code by which Python gets this job'),
    job => {
      if (tracker.currentWidget) {
        insertCell(tracker.currentWidget, `import telerun_magic\n\njob = telerun_magic.job("${job.id}")\njob`);
      }
    },
    hasNotebook
  );
  tracker.currentChanged.connect(() => {
    commands.notifyCommandChanged(CommandIDs.openSource);
    commands.notifyCommandChanged(CommandIDs.insertJob);
  });
}
