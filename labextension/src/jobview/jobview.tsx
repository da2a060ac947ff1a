// One job in the main area.

import { ReactWidget } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import * as React from 'react';

import { Progress, StateBadge } from '../badge';
import { duration } from '../format';
import { useSignal, useTicks } from '../hooks';
import { isFinal } from '../jobs';
import { deviceLabel, emulationLabel, title, usageParts, why } from '../labels';
import { languageLabel } from '../language';
import { Job } from '../protocol';
import { jobPath } from '../restapi';
import { telerunIcon } from '../icons';
import { CommandIDs, Telerun } from '../telerun';
import { Assembly } from './assembly';
import { Facts } from './facts';
import { Files } from './files';
import { LogView } from './log';
import { LogStream } from './logstream';
import { Source } from './source';

export type Tab = 'log' | 'facts' | 'files' | 'source' | 'asm';

/** Marks lines of the cell that made a job, and tells which one the pointer is on. */
export interface EditorLink {
  highlight(line: number): void; // a line of the source from 1, 0 for none
  connect(hear: (line: number, isClick: boolean) => void): () => void;
}

export class JobView extends ReactWidget {
  constructor(
    private _telerun: Telerun,
    readonly jobId: string,
    private _tab: Tab,
    private _link: (job: Job) => EditorLink | null
  ) {
    super();
    this.id = `telerun-job-${jobId}`;
    this.addClass('tr-JobView');
    this.title.icon = telerunIcon;
    this.title.closable = true;
    this._log = new LogStream(_telerun.manager.api, jobId);
    _telerun.manager.changed.connect(this._named, this);
    this._named();
  }

  get tab(): Tab {
    return this._tab;
  }

  set tab(tab: Tab) {
    if (tab !== this._tab) {
      this._tab = tab;
      this.update();
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._telerun.manager.changed.disconnect(this._named, this);
      this._log.dispose();
      super.dispose();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._log.resume();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this._log.resume();
    }
  }

  protected override onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    this._log.pause();
  }

  protected render(): JSX.Element {
    return (
      <View
        telerun={this._telerun}
        id={this.jobId}
        log={this._log}
        link={this._link}
        tab={this._tab}
        onTab={tab => (this.tab = tab)}
      />
    );
  }

  private _named(): void {
    const job = this._telerun.manager.jobs.get(this.jobId);
    this.title.label = job ? title(job) : this._telerun.trans.__('Job');
  }

  private _log: LogStream;
}

interface Props {
  telerun: Telerun;
  id: string;
  log: LogStream;
  link: (job: Job) => EditorLink | null;
  tab: Tab;
  onTab: (tab: Tab) => void;
}

function View({ telerun, id, log, link, tab, onTab }: Props): JSX.Element {
  const { manager, trans } = telerun;
  useSignal(manager.changed);
  const [last, setLast] = React.useState<Job | null>(null);
  const [problem, setProblem] = React.useState('');
  const job = manager.jobs.get(id) ?? last;
  useTicks(job !== null && !isFinal(job.state));
  const { kind } = manager.connection;
  React.useEffect(() => {
    manager
      .job(id)
      .then(setLast)
      .catch((error: Error) => setProblem(error.message));
  }, [id, kind]);
  if (!job) {
    return (
      <div className="tr-Empty" role="status">
        {problem || trans.__('loading …')}
      </div>
    );
  }
  const tabs: [Tab, string][] = [
    ['log', trans.__('Log')],
    ['facts', trans.__('Details')],
    ['files', trans.__('Files')],
    ['source', trans.__('Source')],
    ...(job.spec.asm ? ([['asm', trans.__('Assembly')]] as [Tab, string][]) : [])
  ];
  const at = tabs.findIndex(([key]) => key === tab);
  const moved = (event: React.KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      const [next] = tabs[(at + step + tabs.length) % tabs.length];
      onTab(next);
      document.getElementById(`${id}-${next}`)?.focus();
    }
  };
  return (
    <div className="tr-JobView-inner" data-job={id} data-state={job.state}>
      <Header telerun={telerun} job={job} />
      <div className="tr-Tabs" role="tablist" aria-label={trans.__('Parts of the job')} onKeyDown={moved}>
        {tabs.map(([key, name]) => (
          <button
            key={key}
            id={`${id}-${key}`}
            role="tab"
            aria-selected={key === tab}
            aria-controls={`${id}-part`}
            tabIndex={key === tab ? 0 : -1}
            onClick={() => onTab(key)}
          >
            {name}
          </button>
        ))}
      </div>
      <div className="tr-Part" id={`${id}-part`} role="tabpanel" aria-labelledby={`${id}-${tab}`} data-part={tab}>
        {tab === 'log' && (
          <LogView
            log={log}
            trans={trans}
            textHref={manager.api.href(jobPath(id, 'log'), { format: 'text' })}
            isLive={!isFinal(job.state)}
          />
        )}
        {tab === 'facts' && <Facts job={job} now={manager.now()} trans={trans} />}
        {tab === 'files' && <Files key={job.state} api={manager.api} job={job} trans={trans} />}
        {tab === 'source' && <Source api={manager.api} job={job} trans={trans} />}
        {tab === 'asm' && <Assembly api={manager.api} job={job} link={link} trans={trans} />}
      </div>
    </div>
  );
}

function Header({ telerun, job }: { telerun: Telerun; job: Job }): JSX.Element {
  const { manager, trans, commands } = telerun;
  const elapsed = duration((job.finished_at ?? manager.now()) - job.created_at);
  const facts = [`#${job.number}`, languageLabel(job.spec.language), deviceLabel(job), job.executor ?? '', elapsed];
  const reason = why(job, trans);
  const emulation = emulationLabel(job, trans);
  const use = job.usage && !isFinal(job.state) ? usageParts(job.usage, trans) : [];
  const actions = [
    ...(isFinal(job.state) ? [] : [CommandIDs.cancelJob]),
    CommandIDs.runAgain,
    CommandIDs.showCell,
    CommandIDs.openSource,
    CommandIDs.insertJob,
    CommandIDs.copyCommand
  ].filter(id => commands.isEnabled(id, { job: job.id }));
  return (
    <header className="tr-Header">
      <div className="tr-Header-line">
        <h2>{title(job)}</h2>
        <StateBadge job={job} trans={trans} />
        <span className="tr-Dim">{facts.filter(Boolean).join(' · ')}</span>
      </div>
      {reason && (
        <div className="tr-Header-why" data-state={job.state}>
          {reason}
          {job.result?.hint && <span className="tr-Dim"> {job.result.hint}</span>}
        </div>
      )}
      {emulation && (
        <div className="tr-Notice tr-Emulated" data-tone="warn">
          {emulation}
        </div>
      )}
      {use.length > 0 && (
        <div className="tr-Dim" data-testid="usage">
          {use.join(' · ')}
        </div>
      )}
      {(job.result?.notes ?? []).map(note => (
        <div key={note} className="tr-Dim">
          {note}
        </div>
      ))}
      <Progress job={job} trans={trans} />
      <div className="tr-Header-actions" role="toolbar" aria-label={trans.__('Actions')}>
        {actions.map(id => (
          <button
            key={id}
            className="tr-Button"
            data-command={id}
            title={commands.caption(id, { job: job.id })}
            onClick={() => void commands.execute(id, { job: job.id })}
          >
            {commands.label(id, { job: job.id })}
          </button>
        ))}
      </div>
    </header>
  );
}
