// The jobs that the panel knows, as data: how they change, which of them are shown, and in which groups.

import { languageLabel } from './language';
import { FileRef, Job, JobEvent, JobSpec, State } from './protocol';

export type Jobs = ReadonlyMap<string, Job>;

export type StateFilter = 'all' | 'active' | 'succeeded' | 'failed' | 'cancelled';
export const STATE_FILTERS: readonly StateFilter[] = ['all', 'active', 'succeeded', 'failed', 'cancelled'];

export interface Filter {
  text: string;
  state: StateFilter;
  notebook: string | null;
}

/** An id or a number of a job, as the server makes them. */
export function isJobId(text: unknown): text is string {
  return typeof text === 'string' && /^[a-z0-9]{1,40}$/.test(text);
}

export function isFinal(state: State): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}

/** The file that was compiled or run, undefined for a folder or a command. */
export function mainFile(spec: JobSpec): FileRef | undefined {
  const files = spec.files ?? [];
  return files.length === 1 ? files[0] : files.find(file => file.path === spec.main);
}

/** A whole list from the server, and the events that arrived while it travelled. */
export function replaced(jobs: Jobs, list: readonly Job[], since: readonly JobEvent[]): Jobs {
  const next = new Map(list.map(job => [job.id, newer(jobs.get(job.id), job)]));
  since.forEach(event => next.set(event.job.id, newer(next.get(event.job.id), event.job)));
  return next;
}

/** Further, older jobs. */
export function extended(jobs: Jobs, list: readonly Job[]): Jobs {
  const next = new Map(jobs);
  list.forEach(job => next.set(job.id, newer(next.get(job.id), job)));
  return next;
}

export function changed(jobs: Jobs, event: JobEvent): Jobs {
  return extended(jobs, [event.job]);
}

/** What is final stays so, whichever answer comes last; an older attempt does not come back. */
function newer(known: Job | undefined, job: Job): Job {
  if (!known) {
    return job;
  }
  const isOlder = (isFinal(known.state) && !isFinal(job.state)) || (known.attempt ?? 0) > (job.attempt ?? 0);
  return isOlder ? known : job;
}

/** Jobs that this event ended. */
export function ended(before: Jobs, event: JobEvent): boolean {
  const known = before.get(event.job.id);
  return isFinal(event.job.state) && known !== undefined && !isFinal(known.state);
}

/** The jobs to show, newest first. */
export function visible(jobs: Jobs, filter: Filter): Job[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return [...jobs.values()]
    .filter(job => matches(job, filter, words))
    .sort((left, right) => right.number - left.number);
}

function matches(job: Job, filter: Filter, words: string[]): boolean {
  if (filter.notebook !== null && (job.spec.notebook ?? '') !== filter.notebook) {
    return false;
  }
  if (filter.state === 'active' ? isFinal(job.state) : filter.state !== 'all' && job.state !== filter.state) {
    return false;
  }
  if (!words.length) {
    return true;
  }
  const spec = job.spec;
  const text = [
    `#${job.number}`,
    spec.name,
    spec.language,
    languageLabel(spec.language),
    spec.notebook,
    job.state,
    job.reason,
    job.executor,
    job.id,
    ...(spec.tags ?? [])
  ]
    .join(' ')
    .toLowerCase();
  return words.every(word => text.includes(word));
}

/** The notebooks that jobs came from, in order of their newest job. */
export function notebooks(jobs: Jobs): string[] {
  return [...new Set(visible(jobs, { text: '', state: 'all', notebook: null }).map(job => job.spec.notebook ?? ''))];
}

export interface Group {
  kind: 'group';
  notebook: string; // '' for jobs that came from none
  count: number;
}

export type Row = Group | { kind: 'job'; job: Job };

/** The rows of the list: jobs, under a heading for each notebook where they are grouped. */
export function rows(jobs: readonly Job[], isGrouped: boolean, folded: ReadonlySet<string> = new Set()): Row[] {
  if (!isGrouped) {
    return jobs.map(job => ({ kind: 'job', job }));
  }
  const groups = new Map<string, Job[]>();
  for (const job of jobs) {
    const notebook = job.spec.notebook ?? '';
    groups.has(notebook) ? groups.get(notebook)!.push(job) : groups.set(notebook, [job]);
  }
  return [...groups].flatMap(([notebook, members]): Row[] => [
    { kind: 'group', notebook, count: members.length },
    ...(folded.has(notebook) ? [] : members.map(job => ({ kind: 'job' as const, job })))
  ]);
}

export interface Counts {
  running: number; // held by an executor, whatever it does there
  queued: number;
}

export function counts(jobs: Jobs): Counts {
  const found = { running: 0, queued: 0 };
  for (const job of jobs.values()) {
    if (job.state === 'queued') {
      found.queued++;
    } else if (!isFinal(job.state)) {
      found.running++;
    }
  }
  return found;
}

/** How long to wait before the attempt after `failures` failed ones. */
export function backoffMs(failures: number): number {
  return Math.min(500 * 2 ** failures, 15_000);
}
