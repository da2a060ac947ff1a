// The output of a `%%telerun` cell. The kernel keeps it up to date while it can; when the page was reloaded or the kernel
// is gone, it keeps itself up to date from the queue, and writes what it ends with into the notebook.

import { CodeCell } from '@jupyterlab/cells';
import { INotebookTracker } from '@jupyterlab/notebook';
import { MimeModel, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { ReactWidget } from '@jupyterlab/ui-components';
import { PartialJSONObject } from '@lumino/coreutils';
import { PanelLayout, Widget } from '@lumino/widgets';
import * as React from 'react';

import { Progress, StateBadge } from './badge';
import { duration } from './format';
import { useSignal, useTicks } from './hooks';
import { isFinal, isJobId } from './jobs';
import { isMagic } from './magicline';
import { JOB_MIME, Job, JobFacts } from './protocol';
import { StreamPiece, fetchBundle, fetchOutput } from './restapi';
import { CommandIDs, Telerun } from './telerun';

const KERNEL_GOES_FIRST_MS = 1500;
const SILENCE_MS = 4000; // a kernel that follows a job updates its display every second

export class JobOutput extends Widget implements IRenderMime.IRenderer {
  constructor(
    private _telerun: Telerun,
    private _rendermime: IRenderMimeRegistry,
    private _tracker: INotebookTracker | null
  ) {
    super();
    this.addClass('tr-Output');
    this.layout = new PanelLayout();
    _telerun.manager.changed.connect(this._look, this);
    this._watch = window.setInterval(() => this._look(), 1000);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = model;
    this._heardAt = Date.now();
    this._isDetached = false;
    await this._show(model.data as PartialJSONObject);
    const facts = this._facts;
    if (facts && !isFinal(facts.state)) {
      void this._telerun.manager.job(facts.id).catch(() => undefined); // unknown or unreachable: what is saved stays
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      window.clearInterval(this._watch);
      this._telerun.manager.changed.disconnect(this._look, this);
      super.dispose();
    }
  }

  private async _show(data: PartialJSONObject): Promise<void> {
    const layout = this.layout as PanelLayout;
    this._facts = factsOf(data);
    if (this._facts) {
      this.node.dataset.job = this._facts.id;
      this.node.dataset.state = this._facts.state;
      if (!this._bar) {
        this._bar = new OutputBar(this._telerun);
        layout.insertWidget(0, this._bar);
      }
      this._bar.show_(this._facts, this._isDetached);
    }
    const html = data['text/html'];
    if (typeof html === 'string' && html !== this._html) {
      this._html = html;
      if (!this._body) {
        this._body = this._rendermime.createRenderer('text/html');
        layout.addWidget(this._body);
      }
      const trusted = this._model?.trusted ?? false;
      await this._body.renderModel(new MimeModel({ data: { 'text/html': html }, trusted }));
    }
  }

  /** Compares what is shown with what the queue says. */
  private _look(): void {
    const facts = this._facts;
    const job = facts && this._telerun.manager.jobs.get(facts.id);
    if (!job || isFinal(facts.state) || this._isHealing || this._telerun.manager.connection.kind !== 'live') {
      return;
    }
    const silence = Date.now() - this._heardAt;
    if (silence > (isFinal(job.state) ? KERNEL_GOES_FIRST_MS : SILENCE_MS)) {
      void this._heal(job);
    }
  }

  private async _heal(job: Job): Promise<void> {
    this._isHealing = true;
    try {
      const { api } = this._telerun.manager;
      const cell = this._cell();
      const isLeft = !(await isFollowed(cell));
      const isWriter = cell !== null && isLeft && isOfOneJob(cell);
      const bundle = await fetchBundle(api, job.id, isLeft && !isWriter && !hasStreams(cell));
      const facts = factsOf(bundle);
      const isLast = facts !== null && isFinal(facts.state);
      const known = cell && written.get(cell.model);
      const from = isLast || known?.job !== job.id ? undefined : known.offset;
      const printed = isWriter ? await fetchOutput(api, job.id, from ?? 0) : null;
      if (this.isDisposed || Date.now() - this._heardAt < KERNEL_GOES_FIRST_MS) {
        return; // the kernel was quicker
      }
      this._heardAt = Date.now() - SILENCE_MS / 2;
      this._isDetached = true;
      if (this._model && (isLast || (printed && from === undefined))) {
        this._model.setData({ data: { ...this._model.data, ...bundle } as PartialJSONObject });
      }
      if (cell && printed) {
        written.set(cell.model, { job: job.id, offset: printed.offset });
        writeStreams(cell, printed.streams, from !== undefined);
      }
      if (!this.isDisposed) {
        await this._show(bundle);
      }
    } catch {
      this._heardAt = Date.now(); // not now; what is shown stays
    } finally {
      this._isHealing = false;
    }
  }

  /** The cell that made the job, where this is its output. */
  private _cell(): CodeCell | null {
    let found: CodeCell | null = null;
    this._tracker?.forEach(({ content }) => {
      const cell = content.widgets.find(widget => widget.model.id === this._facts?.cell_id);
      if (cell instanceof CodeCell && cell.node.contains(this.node)) {
        found = cell;
      }
    });
    return found;
  }

  private _model: IRenderMime.IMimeModel | null = null;
  private _facts: JobFacts | null = null;
  private _bar: OutputBar | null = null;
  private _body: IRenderMime.IRenderer | null = null;
  private _html = '';
  private _heardAt = Date.now();
  private _isDetached = false;
  private _isHealing = false;
  private _watch: number;
}

/** What a notebook says of the job, null where that is no job: a notebook may come from anybody. */
function factsOf(data: PartialJSONObject): JobFacts | null {
  const facts = data[JOB_MIME] as unknown as JobFacts | null;
  return isJobId(facts?.id) ? facts : null;
}

/** Whether a kernel still writes into the cell what the job prints: it executes the cell, and this page hears of it. */
async function isFollowed(cell: CodeCell | null): Promise<boolean> {
  const future = cell?.outputArea.future; // none after the page was reloaded
  if (!future || future.isDisposed) {
    return false;
  }
  const hasEnded = future.done.then(
    () => true,
    () => true
  );
  const isOpen = new Promise<boolean>(resolve => setTimeout(() => resolve(false)));
  return !(await Promise.race([hasEnded, isOpen]));
}

/** Whether all that is printed into the cell is one job's: of a cell in Python it might be anybody's. */
function isOfOneJob(cell: CodeCell): boolean {
  const outputs = cell.model.outputs.toJSON();
  const jobs = outputs.filter(output => JOB_MIME in ((output.data as PartialJSONObject | undefined) ?? {}));
  return isMagic(cell.model.sharedModel.getSource()) && jobs.length === 1;
}

/** Whether anything is printed into the cell: then its output is not shown a second time. */
function hasStreams(cell: CodeCell | null): boolean {
  return Boolean(cell?.model.outputs.toJSON().some(output => output.output_type === 'stream'));
}

/** How far in the log of its job a cell without a kernel has been written. */
const written = new WeakMap<CodeCell['model'], { job: string; offset: number }>();

/** Adds to what was printed into a cell, or replaces it. */
function writeStreams(cell: CodeCell, streams: readonly StreamPiece[], isMore: boolean): void {
  const { outputs } = cell.model;
  const added = streams.map(({ name, text }) => ({ output_type: 'stream', name, text }));
  if (isMore) {
    added.forEach(output => outputs.add(output));
  } else {
    outputs.fromJSON([...outputs.toJSON().filter(output => output.output_type !== 'stream'), ...added]);
  }
}

class OutputBar extends ReactWidget {
  constructor(private _telerun: Telerun) {
    super();
    this.addClass('tr-Output-bar');
  }

  show_(facts: JobFacts, isDetached: boolean): void {
    this._facts = facts;
    this._isDetached = isDetached;
    this.update();
  }

  protected render(): JSX.Element {
    return this._facts ? <Bar telerun={this._telerun} facts={this._facts} isDetached={this._isDetached} /> : <></>;
  }

  private _facts: JobFacts | null = null;
  private _isDetached = false;
}

function Bar(props: { telerun: Telerun; facts: JobFacts; isDetached: boolean }): JSX.Element {
  const { telerun, facts, isDetached } = props;
  const { manager, trans, commands } = telerun;
  useSignal(manager.changed);
  const job = manager.jobs.get(facts.id);
  const isActive = job ? !isFinal(job.state) : false;
  useTicks(isActive && isDetached);
  const args = { job: facts.id };
  const button = (id: string, label: string, isDisabled = false): JSX.Element => (
    <button
      className="tr-Button"
      data-command={id}
      disabled={isDisabled}
      onClick={() => void commands.execute(id, args)}
    >
      {label}
    </button>
  );
  return (
    <div className="tr-Output-actions" role="toolbar" aria-label={trans.__('Job %1', facts.number)}>
      {job && isActive && (
        <>
          {isDetached && (
            <>
              <StateBadge job={job} trans={trans} />
              <span className="tr-Dim">{duration(manager.now() - job.created_at)}</span>
            </>
          )}
          <Progress job={job} trans={trans} />
          {button(CommandIDs.cancelJob, trans.__('Cancel'), job.cancel_requested)}
        </>
      )}
      {button(CommandIDs.openJob, trans.__('Open'))}
    </div>
  );
}
