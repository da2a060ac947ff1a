// Words for what becomes of a job.

import { TranslationBundle } from '@jupyterlab/translation';

import { oneLine } from './format';
import { isFinal } from './jobs';
import { languageLabel } from './language';
import { Job, Phase } from './protocol';

export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'idle';

export function tone(job: Job): Tone {
  switch (job.state) {
    case 'succeeded':
      return 'good';
    case 'failed':
      return 'bad';
    case 'cancelled':
      return 'warn';
    case 'queued':
      return 'idle';
    default:
      return 'busy';
  }
}

export function stateLabel(job: Job, trans: TranslationBundle): string {
  if (!isFinal(job.state) && job.cancel_requested) {
    return trans.__('cancelling');
  }
  switch (job.state) {
    case 'succeeded':
      return trans.__('succeeded');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
    case 'queued':
      return trans.__('queued');
    default:
      return job.phase ? phaseLabel(job.phase, trans) : trans.__('starting');
  }
}

export function phaseLabel(phase: Phase, trans: TranslationBundle): string {
  switch (phase) {
    case 'fetch':
      return trans.__('fetching files');
    case 'compile':
      return trans.__('compiling');
    case 'wait_device':
      return trans.__('waiting for a device');
    case 'run':
      return trans.__('running');
    case 'collect':
      return trans.__('collecting files');
  }
}

export function title(job: Job): string {
  return job.spec.name ? oneLine(job.spec.name, 120) : `${languageLabel(job.spec.language)} #${job.number}`;
}

/** The devices that ran the job or, before that, the one it asked for. */
export function deviceLabel(job: Job): string {
  const devices = job.result?.devices ?? [];
  return oneLine(devices.length ? devices.map(device => device.name).join(', ') : (job.spec.device ?? ''), 60);
}

/** Why a job failed or what a queued one waits for, in a line; '' where there is nothing to say. */
export function why(job: Job, trans: TranslationBundle): string {
  if (job.state === 'failed') {
    const first = job.result?.diagnostics?.find(({ severity }) => severity?.endsWith('error'));
    if (first && job.reason === 'compile_error') {
      return oneLine(`${first.file}${first.line ? `:${first.line}` : ''}: ${first.message}`);
    }
    const reason = (job.reason ?? '').replace(/_/g, ' ');
    return oneLine(job.result?.message || reason || trans.__('It failed without a reason.'));
  }
  if (job.state === 'queued') {
    const place = job.queue_position
      ? job.queue_position === 1
        ? trans.__('next in the queue')
        : trans.__('position %1 in the queue', job.queue_position)
      : '';
    return [place, oneLine(job.waiting_for ?? '')].filter(Boolean).join(', ');
  }
  return '';
}

export function notebookLabel(notebook: string, trans: TranslationBundle): string {
  return notebook ? oneLine(notebook.split('/').pop()!, 80) : trans.__('Not from a notebook');
}
