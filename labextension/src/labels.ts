// Words for what becomes of a job.

import { TranslationBundle } from '@jupyterlab/translation';

import { duration, oneLine, size } from './format';
import { isFinal, mainFile } from './jobs';
import { languageLabel } from './language';
import { Diagnostic, EMULATED, Job, Phase, Usage } from './protocol';

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

/** What is to be added to a line of the main file to get the line of its cell, which begins with the magic. */
export function lineOffset(job: Job): number {
  return job.spec.line_offset ?? 0;
}

/** Where a compiler's message belongs, in the lines that the cell itself shows. */
export function placeOf(job: Job, { file, line, column }: Diagnostic, trans: TranslationBundle): string {
  const offset = file === mainFile(job.spec)?.path ? lineOffset(job) : 0;
  const name = offset ? trans.__('cell') : oneLine(file);
  return line ? trans.__('%1 line %2', name, line + offset) + (column ? `:${column}` : '') : name;
}

/** Why a job failed or what a queued one waits for, in a line; '' where there is nothing to say. */
export function why(job: Job, trans: TranslationBundle): string {
  if (job.state === 'failed') {
    const first = job.result?.diagnostics?.find(({ severity }) => severity?.endsWith('error'));
    if (first && job.reason === 'compile_error') {
      return oneLine(`${placeOf(job, first, trans)}: ${first.message}`);
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

/** What is said of a job that ran on the CPU emulation of a GPU, '' of any other. */
export function emulationLabel(job: Job, trans: TranslationBundle): string {
  const isEmulated = job.result?.devices?.some(({ kind }) => kind === EMULATED);
  return isEmulated ? emulationText(trans) : '';
}

export function emulationText(trans: TranslationBundle): string {
  return trans.__('CPU emulation – functional only: no timing here means anything');
}

/** What stands below a job in the sidebar: why it is as it is, or what to keep in mind. */
export function remark(job: Job, trans: TranslationBundle): string {
  return why(job, trans) || emulationLabel(job, trans);
}

/** How much to worry about an isolation level; one that is not known here is no worse than said. */
export function isolationTone(level: string): Tone | undefined {
  return ({ none: 'bad', degraded: 'warn' } as Record<string, Tone>)[level];
}

/** What a program uses, a phrase each; nothing that nobody told. */
export function usageParts(usage: Usage, trans: TranslationBundle): string[] {
  const { cpu_time_s, memory_bytes, peak_memory_bytes, processes, io_read_bytes, io_write_bytes, disk_bytes } = usage;
  return [
    cpu_time_s ? trans.__('CPU %1', duration(cpu_time_s)) : '',
    memory_bytes ? trans.__('memory %1', size(memory_bytes)) : '',
    peak_memory_bytes ? trans.__('peak %1', size(peak_memory_bytes)) : '',
    processes ? trans._n('%1 process', '%1 processes', processes) : '',
    io_read_bytes ? trans.__('read %1', size(io_read_bytes)) : '',
    io_write_bytes ? trans.__('written %1', size(io_write_bytes)) : '',
    disk_bytes ? trans.__('on disk %1', size(disk_bytes)) : ''
  ].filter(Boolean);
}

export function notebookLabel(notebook: string, trans: TranslationBundle): string {
  return notebook ? oneLine(notebook.split('/').pop()!, 80) : trans.__('Not from a notebook');
}
