// What can be done with the active cell.

import { Notification } from '@jupyterlab/apputils';
import { Cell } from '@jupyterlab/cells';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { LabIcon, stopIcon } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';

import { told } from '../commands';
import { telerunIcon } from '../icons';
import { isFinal } from '../jobs';
import { cellLanguage, guessedWord, isMagic, looksLikeC, withFlag } from '../magicline';
import { Job } from '../protocol';
import { submitSource } from '../restapi';
import { CommandIDs, Telerun } from '../telerun';

const NO_ARGS = { args: { type: 'object' as const, properties: {} } };

type Shown = Pick<CommandRegistry.ICommandOptions, 'label' | 'icon' | 'isEnabled' | 'isVisible'>;

/** `options` are the words that a new magic line begins with, from the settings. */
export function addCellCommands(telerun: Telerun, tracker: INotebookTracker, options: () => string): void {
  const { commands, manager, trans } = telerun;
  const source = (): string => tracker.activeCell?.model.sharedModel.getSource() ?? '';
  const isCode = (): boolean => tracker.activeCell?.model.type === 'code';
  const set = (text: string): void => tracker.activeCell?.model.sharedModel.setSource(text);
  const activeJobs = (): Job[] => {
    const id = tracker.activeCell?.model.id;
    return [...manager.jobs.values()].filter(job => id && job.spec.cell_id === id && !isFinal(job.state));
  };
  const isOurs = (): boolean => isCode() && isMagic(source());
  const isRunnable = (): boolean => isCode() && (isMagic(source()) || looksLikeC(source()));
  const isCompiled = (): boolean => isCode() && cellLanguage(source()) === 'cpp';
  const hasAsm = (): boolean => isOurs() && /^\s*%%telerun\b.*\s--asm\b/.test(source().split('\n', 1)[0]);
  const hasJobs = (): boolean => activeJobs().length > 0;

  // A cell's toolbar has room for what applies to the cell alone, and for no words.
  const inToolbar = (applies: () => boolean, label: string, short: LabIcon | string): Shown => ({
    label: args => (args.toolbar ? (typeof short === 'string' ? short : '') : label),
    icon: args => (args.toolbar && typeof short !== 'string' ? short : undefined),
    isEnabled: applies,
    isVisible: args => !args.toolbar || applies()
  });

  commands.addCommand(CommandIDs.insertMagic, {
    label: trans.__('Make This a Telerun Cell'),
    caption: trans.__('Put %1 above the active cell, so that it runs remotely', '%%telerun'),
    describedBy: NO_ARGS,
    isEnabled: () => isCode() && !isMagic(source()),
    execute: () => {
      const text = source();
      set([`%%telerun ${guessedWord(text)} ${options()}`.trim(), text].join('\n'));
    }
  });
  commands.addCommand(CommandIDs.toggleAsm, {
    ...inToolbar(isCompiled, trans.__('Show Assembly of This Cell'), 'asm'),
    caption: trans.__('Switch --asm of the active Telerun cell on or off'),
    describedBy: NO_ARGS,
    isToggled: hasAsm,
    execute: () => set(withFlag(source(), '--asm'))
  });
  commands.addCommand(CommandIDs.cancelCell, {
    ...inToolbar(hasJobs, trans.__("Cancel This Cell's Job"), stopIcon),
    caption: trans.__('End the job that the active cell made, even while the kernel is busy'),
    describedBy: NO_ARGS,
    execute: () => told(Promise.all(activeJobs().map(job => manager.cancel(job.id))))
  });
  commands.addCommand(CommandIDs.runCell, {
    ...inToolbar(isRunnable, trans.__('Run Selected Cell on Telerun'), telerunIcon),
    caption: trans.__('Submit the active cell as it is, without the kernel'),
    describedBy: NO_ARGS,
    execute: async () => {
      const panel = tracker.currentWidget;
      const cell = tracker.activeCell;
      if (!panel || !cell) {
        return;
      }
      if (isMagic(source())) {
        await NotebookActions.run(panel.content, panel.sessionContext);
        return;
      }
      await told(
        (async () => {
          const { job, notices } = await submitSource(manager.api, source(), {
            notebook: panel.context.path,
            cell_id: cell.model.id
          });
          manager.add(job);
          notices?.forEach(notice => Notification.info(notice, { autoClose: 5000 }));
          await commands.execute(CommandIDs.openJob, { job: job.id });
        })()
      );
    }
  });
  const ids = [CommandIDs.insertMagic, CommandIDs.toggleAsm, CommandIDs.cancelCell, CommandIDs.runCell];
  let known = '';
  const check = (): void => {
    const state = [isCode(), isOurs(), isCompiled(), isRunnable(), hasAsm(), hasJobs()].join();
    if (state !== known) {
      known = state;
      ids.forEach(id => commands.notifyCommandChanged(id));
    }
  };
  let heard: Cell['model']['sharedModel'] | null = null;
  tracker.activeCellChanged.connect((_, cell) => {
    heard?.changed.disconnect(check);
    heard = cell?.model.sharedModel ?? null;
    heard?.changed.connect(check);
    known = ''; // the toolbar of another cell
    check();
  });
  manager.changed.connect(check);
}
