// A toast when a job ends that nobody is looking at.

import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';

import { duration } from './format';
import { stateLabel, title, why } from './labels';
import { cellOf, isOnScreen } from './notebook/cells';
import { Job } from './protocol';
import { CommandIDs, Telerun } from './telerun';

export type Notifications = 'out-of-sight' | 'failures' | 'never';

export function announce(
  telerun: Telerun,
  tracker: INotebookTracker | null,
  when: () => Notifications,
  isOpen: (job: Job) => boolean
): void {
  const { manager, commands, trans } = telerun;
  manager.finished.connect((_, job) => {
    const place = tracker && cellOf(tracker, job);
    const isWanted = when() === 'out-of-sight' || (when() === 'failures' && job.state === 'failed');
    if (!isWanted || isOpen(job) || (place && isOnScreen(place))) {
      return;
    }
    const took = duration((job.finished_at ?? manager.now()) - job.created_at);
    const message = [`${title(job)}: ${stateLabel(job, trans)} (${took})`, why(job, trans)].filter(Boolean).join('. ');
    const type = { succeeded: 'success', failed: 'error' }[job.state as string] ?? 'info';
    Notification.emit(message, type as 'success' | 'error' | 'info', {
      autoClose: 8000,
      actions: [
        { label: trans.__('Open'), callback: () => void commands.execute(CommandIDs.openJob, { job: job.id }) },
        ...(place
          ? [
              {
                label: trans.__('Show cell'),
                callback: () => void commands.execute(CommandIDs.showCell, { job: job.id })
              }
            ]
          : [])
      ]
    });
  });
}
