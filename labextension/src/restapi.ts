// What the Jupyter server's extension offers (`telerun_labextension.handlers`), one function a route.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { TranslationBundle } from '@jupyterlab/translation';
import { PartialJSONObject, UUID } from '@lumino/coreutils';

import { isJobId, mainFile } from './jobs';
import { AsmListing, ExecutorList, Job, JobList, LISTING_PATH, Problem } from './protocol';

/** A request that was refused, or got no answer. `status` is 0 where there was none. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem
  ) {
    super(problem.message);
  }
}

/** What the extension of the Jupyter server says of itself and of the queue. */
export interface Status {
  configured: boolean;
  url?: string | null;
  reachable?: boolean;
  problem?: Problem | null;
  notices?: string[];
}

/** How to run a file or a text; what is left out is decided as on a cell's first line. */
export interface Options {
  language?: string;
  name?: string;
  args?: string;
  flags?: string;
  asm?: boolean;
  run?: boolean;
  time?: string;
  memory?: string;
  device?: string;
  notebook?: string;
  cell_id?: string;
}

export interface Submitted {
  job: Job;
  notices?: string[];
}

export class Api {
  constructor(
    readonly settings: ServerConnection.ISettings,
    readonly trans: TranslationBundle
  ) {}

  /** An address for the browser itself, such as a picture's or a download's. */
  href(path: string, query: Record<string, string> = {}): string {
    return URLExt.join(this.settings.baseUrl, 'telerun', 'api', path) + URLExt.objectToQueryString(query);
  }

  socketUrl(path: string): string {
    const { wsUrl, token, appendToken } = this.settings;
    const query = appendToken && token ? URLExt.objectToQueryString({ token }) : '';
    return URLExt.join(wsUrl, 'telerun', 'api', path) + query;
  }

  async fetch(path: string, query: Record<string, string> = {}, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(this.href(path, query), init, this.settings);
    } catch (error) {
      if (init.signal?.aborted) {
        throw error;
      }
      const message = this.trans.__('The Jupyter server does not answer.');
      throw new ApiError(0, { code: 'jupyter_unreachable', message });
    }
    if (!response.ok) {
      const { status, statusText } = response;
      const message = this.trans.__('The Jupyter server answered %1 %2.', status, statusText);
      throw new ApiError(status, { code: 'refused', message, ...(await problemOf(response)) });
    }
    return response;
  }

  async get<T>(path: string, query: Record<string, string> = {}, signal?: AbortSignal): Promise<T> {
    return (await this.fetch(path, query, { signal })).json() as Promise<T>;
  }

  async post<T>(path: string, body: unknown = {}): Promise<T> {
    const init = { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    return (await this.fetch(path, {}, init)).json() as Promise<T>;
  }
}

/** The id may come from a notebook of unknown origin: it must not lead to another address. */
export function jobPath(job: string, part = ''): string {
  if (!isJobId(job)) {
    throw new Error(`${JSON.stringify(job)} is not a job.`);
  }
  return part ? `jobs/${job}/${part}` : `jobs/${job}`;
}

export function fetchJobs(api: Api, query: Record<string, string>): Promise<JobList> {
  return api.get('jobs', query);
}

export function fetchJob(api: Api, job: string): Promise<Job> {
  return api.get(jobPath(job));
}

export function cancelJob(api: Api, job: string): Promise<Job> {
  return api.post(jobPath(job, 'cancel'));
}

/** With `history`, what their devices told in the last minutes, not just the latest. */
export function fetchExecutors(api: Api, history: boolean): Promise<ExecutorList> {
  return api.get('executors', { history: `${history}` });
}

export function filePath(job: string, path: string): string {
  return jobPath(job, `files/${path.split('/').map(encodeURIComponent).join('/')}`);
}

export function fetchListing(api: Api, job: string, signal: AbortSignal): Promise<AsmListing> {
  return api.get(filePath(job, LISTING_PATH), {}, signal);
}

/** The beginning of a file, as bytes. */
export async function fetchHead(api: Api, path: string, bytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const headers = { Range: `bytes=0-${bytes - 1}` };
  return new Uint8Array(await (await api.fetch(path, {}, { headers, signal })).arrayBuffer());
}

/** The bytes of a job's log from an offset on, as they arrive, until the job has ended. */
export async function* followLog(
  api: Api,
  job: string,
  offset: number,
  signal: AbortSignal
): AsyncGenerator<Uint8Array> {
  const query = { offset: `${offset}`, follow: 'true' };
  const response = await api.fetch(jobPath(job, 'log'), query, { signal });
  yield* blocks(response);
}

/** The bytes of a log between two offsets. */
export async function fetchLogRange(
  api: Api,
  job: string,
  from: number,
  to: number,
  signal: AbortSignal
): Promise<Uint8Array> {
  const query = { offset: `${from}`, limit: `${to - from}` };
  return new Uint8Array(await (await api.fetch(jobPath(job, 'log'), query, { signal })).arrayBuffer());
}

/** The text of a job's main source file, null where it has none. */
export async function fetchSource(api: Api, job: Job, signal: AbortSignal): Promise<string | null> {
  const main = mainFile(job.spec);
  return main ? (await api.fetch(`blobs/${main.sha256}`, {}, { signal })).text() : null;
}

/** The same job once more, as it was. */
export function submitAgain(api: Api, job: Job): Promise<Job> {
  return api.post('jobs', { spec: job.spec, idempotency_key: UUID.uuid4() });
}

export function submitFile(api: Api, path: string, options: Options): Promise<Submitted> {
  return api.post('submit-file', { path, options });
}

export function submitSource(api: Api, source: string, options: Options): Promise<Submitted> {
  return api.post('submit-source', { source, options });
}

/** Which server the panel shows; null for the one that cells use. */
export function chooseServer(api: Api, url: string | null): Promise<Status> {
  return api.post('server', { url });
}

export function startLocal(api: Api): Promise<Status> {
  return api.post('start-local');
}

/** A job's display as a notebook stores it. */
export function fetchBundle(api: Api, job: string, withOutput: boolean): Promise<PartialJSONObject> {
  return api.get(jobPath(job, 'bundle'), { output: `${withOutput}` });
}

export interface StreamPiece {
  name: 'stdout' | 'stderr';
  text: string;
}

/** What a job printed after an offset of its log, as a cell shows it; `offset` is where to go on. */
export function fetchOutput(
  api: Api,
  job: string,
  offset: number
): Promise<{ streams: StreamPiece[]; offset: number }> {
  return api.get(jobPath(job, 'output'), { offset: `${offset}` });
}

async function* blocks(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body!.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      yield next.value;
    }
  } finally {
    await reader.cancel();
  }
}

/** What is known of a refusal: nothing where something else than our extension answered. */
async function problemOf(response: Response): Promise<Partial<Problem>> {
  try {
    const body = await response.json();
    return typeof body.message === 'string' ? body : {};
  } catch {
    return {};
  }
}
