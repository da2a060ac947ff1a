// Follows the log of one job, across lost connections, while somebody looks.

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { backoffMs } from '../jobs';
import { LogLines } from '../loglines';
import { Api, ApiError, fetchLogRange, followLog } from '../restapi';

export class LogStream implements IDisposable {
  constructor(
    private _api: Api,
    private _job: string
  ) {
    this.lines = new LogLines(
      (from, to, signal) => fetchLogRange(_api, _job, from, to, signal),
      () => this._emit()
    );
  }

  readonly lines: LogLines;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Why nothing new comes, '' where all is well. */
  get trouble(): string {
    return this._trouble;
  }

  get isComplete(): boolean {
    return this._isComplete;
  }

  resume(): void {
    if (!this._abort && !this._isComplete && !this._isDisposed) {
      this._abort = new AbortController();
      void this._follow(this._abort.signal);
    }
  }

  /** A browser has few connections to one server: a hidden log gives its own back. */
  pause(): void {
    this._abort?.abort();
    this._abort = null;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.pause();
    Signal.clearData(this);
  }

  private async _follow(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        for await (const block of followLog(this._api, this._job, this.lines.offset, signal)) {
          if (signal.aborted) {
            return this.lines.reset();
          }
          this.lines.feed(block);
          failures = 0;
          this._trouble = '';
        }
        this._isComplete = true;
        this._trouble = '';
        return this._emit();
      } catch (error) {
        this.lines.reset();
        if (signal.aborted || (error instanceof ApiError && error.status === 404)) {
          return;
        }
        this._trouble = error instanceof ApiError ? error.message : this._api.trans.__('The connection was lost.');
        this._emit();
        await new Promise(resolve => window.setTimeout(resolve, backoffMs(failures)));
      }
    }
  }

  private _emit(): void {
    if (!this._isAnnounced && !this._isDisposed) {
      this._isAnnounced = true;
      window.setTimeout(() => {
        this._isAnnounced = false;
        this._changed.emit();
      }, 50);
    }
  }

  private _abort: AbortController | null = null;
  private _trouble = '';
  private _isComplete = false;
  private _isDisposed = false;
  private _isAnnounced = false;
  private _changed = new Signal<this, void>(this);
}
