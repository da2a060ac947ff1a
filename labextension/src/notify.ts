// A toast when a job ends that was started here and that nobody is looking at. Many at once are one.

import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';

import { duration } from './format';
import { stateLabel, title, why } from './labels';
import { Place, cellOf, isOnScreen } from './notebook/cells';
import { Job } from './protocol';
import { CommandIDs, Telerun } from './telerun';

export type Notifications = 'out-of-sight' | 'failures' | 'never';

const GATHER_MS = 1000;
const MOST_SINGLE = 3;
const STAY_MS = 8000;

/** `viewOf` tells whether a job has a view of its own, and whether that is on the screen. */
export function announce(
  telerun: Telerun,
  tracker: INotebookTracker | null,
  when: () => Notifications,
  viewOf: (job: Job) => 'shown' | 'hidden' | 'none'
): void {
  const { manager, commands, trans } = telerun;
  let gathered: { job: Job; place: Place | null }[] = [];

  const tell = (): void => {
    const ended = gathered;
    gathered = [];
    if (ended.length > MOST_SINGLE) {
      const failed = ended.filter(({ job }) => job.state === 'failed').length;
      const message = trans.__('%1 jobs ended, %2 of them failed.', ended.length, failed);
      Notification.emit(message, failed ? 'warning' : 'success', {
        autoClose: STAY_MS,
        actions: [{ label: trans.__('Show jobs'), callback: () => void commands.execute(CommandIDs.openPanel) }]
      });
      return;
    }
    for (const { job, place } of ended) {
      const took = duration((job.finished_at ?? manager.now()) - job.created_at);
      const message = [`${title(job)}: ${stateLabel(job, trans)} (${took})`, why(job, trans)]
        .filter(Boolean)
        .join('. ');
      const type = job.state === 'succeeded' ? 'success' : job.state === 'failed' ? 'error' : 'info';
      const action = (label: string, id: string): Notification.IAction => ({
        label,
        callback: () => void commands.execute(id, { job: job.id })
      });
      Notification.emit(message, type, {
        autoClose: STAY_MS,
        actions: [
          action(trans.__('Open'), CommandIDs.openJob),
          ...(place ? [action(trans.__('Show cell'), CommandIDs.showCell)] : [])
        ]
      });
    }
  };

  manager.finished.connect((_, job) => {
    const place = tracker && cellOf(tracker, job);
    const view = viewOf(job);
    const isStartedHere = place !== null || view !== 'none';
    const isSeen = view === 'shown' || (place !== null && isOnScreen(place));
    const isWanted = when() === 'out-of-sight' || (when() === 'failures' && job.state === 'failed');
    if (isStartedHere && !isSeen && isWanted) {
      if (!gathered.length) {
        window.setTimeout(tell, GATHER_MS);
      }
      gathered.push({ job, place });
    }
  });
}
