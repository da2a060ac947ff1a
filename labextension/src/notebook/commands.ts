// What can be done with the active cell.

import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';

import { told } from '../commands';
import { visible } from '../jobs';
import { guessedWord, isMagic, looksLikeC, withFlag } from '../magicline';
import { Job } from '../protocol';
import { submitSource } from '../restapi';
import { CommandIDs, Telerun } from '../telerun';

const NO_ARGS = { args: { type: 'object' as const, properties: {} } };

/** `options` are the words that a new magic line begins with, from the settings. */
export function addCellCommands(telerun: Telerun, tracker: INotebookTracker, options: () => string): void {
  const { commands, manager, trans } = telerun;
  const source = (): string => tracker.activeCell?.model.sharedModel.getSource() ?? '';
  const isCode = (): boolean => tracker.activeCell?.model.type === 'code';
  const set = (text: string): void => tracker.activeCell?.model.sharedModel.setSource(text);
  const activeJobs = (): Job[] =>
    visible(manager.jobs, { text: '', state: 'active', notebook: null }).filter(
      job => job.spec.cell_id && job.spec.cell_id === tracker.activeCell?.model.id
    );

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
    label: trans.__('Show Assembly of This Cell'),
    caption: trans.__('Switch --asm of the active Telerun cell on or off'),
    describedBy: NO_ARGS,
    isEnabled: () => isCode() && isMagic(source()),
    isToggled: () => /^\s*%%telerun\b.*\s--asm\b/.test(source().split('\n', 1)[0]),
    execute: () => set(withFlag(source(), '--asm'))
  });
  commands.addCommand(CommandIDs.cancelCell, {
    label: trans.__("Cancel This Cell's Job"),
    caption: trans.__('End the job that the active cell made, even while the kernel is busy'),
    describedBy: NO_ARGS,
    isEnabled: () => activeJobs().length > 0,
    execute: () => told(Promise.all(activeJobs().map(job => manager.cancel(job.id))))
  });
  commands.addCommand(CommandIDs.runCell, {
    label: trans.__('Run Selected Cell on Telerun'),
    caption: trans.__('Submit the active cell as it is, without the kernel'),
    describedBy: NO_ARGS,
    isEnabled: () => isCode() && (isMagic(source()) || looksLikeC(source())),
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
  tracker.activeCellChanged.connect(() => ids.forEach(id => commands.notifyCommandChanged(id)));
  manager.changed.connect(() => commands.notifyCommandChanged(CommandIDs.cancelCell));
}
