// The jobs as the queue server knows them, kept up to date through one event stream for the whole of JupyterLab.

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { Jobs, backoffMs, changed, ended, extended, isFinal, replaced } from './jobs';
import { Job, JobEvent, Problem } from './protocol';
import { Api, ApiError, Status, cancelJob, fetchJob, fetchJobs } from './restapi';

const MOST_JOBS = 1000;
const PAGE = 200;
const EMIT_MS = 50;

export type Connection =
  | { kind: 'connecting' }
  | { kind: 'live'; url: string; notices: readonly string[] }
  | { kind: 'unreachable' | 'unconfigured' | 'absent'; url: string | null; message: string; hint: string | null };

export class JobsManager implements IDisposable {
  /** `version` is this front end's, for the check that all parts fit together. */
  constructor(
    readonly api: Api,
    private _version: string
  ) {
    this._connect();
  }

  /** Something of the jobs or of the connection is different; at most twenty times a second. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A job ended while we looked. */
  get finished(): ISignal<this, Job> {
    return this._finished;
  }

  get jobs(): Jobs {
    return this._jobs;
  }

  get connection(): Connection {
    return this._connection;
  }

  /** Seconds since 1970 by the queue server's clock. */
  now(): number {
    return Date.now() / 1000 + (this._clockAheadS ?? 0);
  }

  /** A job by its id, asked for where it is not among the newest. */
  async job(id: string): Promise<Job> {
    const known = this._jobs.get(id);
    if (known) {
      return known;
    }
    const job = await fetchJob(this.api, id);
    this.add(job);
    return job;
  }

  async cancel(id: string): Promise<void> {
    this.add(await cancelJob(this.api, id));
  }

  /** A job as the server answered it. */
  add(job: Job): void {
    this._jobs = extended(this._jobs, [job]);
    this._emit();
  }

  /** Tries at once, where the next attempt would be later. */
  reconnect(): void {
    if (this._connection.kind !== 'live') {
      this._failures = 0;
      this._close();
      this._connect();
    }
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._close();
    window.clearTimeout(this._emitting);
    Signal.clearData(this);
  }

  private _connect(): void {
    const socket = new this.api.settings.WebSocket(this.api.socketUrl('events'));
    this._socket = socket;
    socket.onmessage = event => this._hear(JSON.parse(event.data as string) as Message);
    socket.onclose = () => void this._lost();
  }

  private _close(): void {
    window.clearTimeout(this._retrying);
    if (this._socket) {
      this._socket.onclose = this._socket.onmessage = null;
      this._socket.close();
      this._socket = null;
    }
    this._early = null;
  }

  private _hear(message: Message): void {
    switch (message.type) {
      case 'event':
        return this._apply(message.event);
      case 'hello':
        return void this._refresh();
      case 'unreachable':
        return this._quiet('unreachable', message.problem, message.url);
      case 'unconfigured':
        return this._quiet('unconfigured', message.problem, null);
    }
  }

  private _quiet(kind: 'unreachable' | 'unconfigured' | 'absent', problem: Problem, url: string | null): void {
    this._early = null;
    this._connection = { kind, url, message: problem.message, hint: problem.hint ?? null };
    this._emit();
  }

  private _apply(event: JobEvent): void {
    const ahead = event.at - Date.now() / 1000; // less its way here, so that the largest is the best
    this._clockAheadS = Math.max(this._clockAheadS ?? ahead, ahead);
    if (this._early) {
      this._early.push(event);
      return;
    }
    const hasEnded = ended(this._jobs, event);
    this._jobs = changed(this._jobs, event);
    this._emit();
    if (hasEnded) {
      this._finished.emit(event.job);
    }
  }

  /** Reads the whole list; what happens meanwhile is applied on top of it. */
  private async _refresh(): Promise<void> {
    const early: JobEvent[] = (this._early = []);
    try {
      const [status, list] = await Promise.all([this._status(), this._newest()]);
      if (this._early !== early) {
        return; // the connection was lost meanwhile, or there was another hello
      }
      const were = [...this._jobs.values()].filter(job => !isFinal(job.state));
      this._jobs = replaced(this._jobs, list, early);
      this._early = null;
      this._failures = 0;
      this._connection = { kind: 'live', url: status.url ?? '', notices: status.notices ?? [] };
      this._emit();
      were
        .map(({ id }) => this._jobs.get(id))
        .filter((job): job is Job => job !== undefined && isFinal(job.state))
        .forEach(job => this._finished.emit(job));
    } catch {
      if (this._early === early) {
        this._socket?.close(); // and from the beginning
      }
    }
  }

  private _status(): Promise<Status> {
    return this.api.get('status', { frontend: this._version });
  }

  private async _newest(): Promise<Job[]> {
    const list: Job[] = [];
    let before: number | null | undefined;
    do {
      const page = await fetchJobs(this.api, { limit: `${PAGE}`, ...(before ? { before: `${before}` } : {}) });
      list.push(...page.jobs);
      before = page.next_before;
    } while (before && list.length < MOST_JOBS);
    return list;
  }

  /** Jupyter itself is gone, or has no extension of ours. */
  private async _lost(): Promise<void> {
    this._early = null;
    this._socket = null;
    const status = await this._status().catch((error: ApiError) => error);
    if (this._isDisposed || this._socket) {
      return; // somebody wanted to try at once
    }
    if (status instanceof ApiError) {
      this._quiet(status.status === 404 ? 'absent' : 'unreachable', status.problem, null);
    } else if (status.problem) {
      this._quiet(status.configured ? 'unreachable' : 'unconfigured', status.problem, status.url ?? null);
    }
    this._retrying = window.setTimeout(() => this._connect(), backoffMs(this._failures++));
  }

  /** Many changes are one signal. */
  private _emit(): void {
    if (this._emitting === undefined && !this._isDisposed) {
      this._emitting = window.setTimeout(() => {
        this._emitting = undefined;
        this._changed.emit();
      }, EMIT_MS);
    }
  }

  private _jobs: Jobs = new Map();
  private _connection: Connection = { kind: 'connecting' };
  private _socket: WebSocket | null = null;
  private _early: JobEvent[] | null = null;
  private _failures = 0;
  private _clockAheadS: number | null = null;
  private _retrying: number | undefined;
  private _emitting: number | undefined;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
  private _finished = new Signal<this, Job>(this);
}

type Message =
  | { type: 'hello' | 'connected' }
  | { type: 'event'; event: JobEvent }
  | { type: 'unreachable'; url: string; problem: Problem }
  | { type: 'unconfigured'; problem: Problem };
