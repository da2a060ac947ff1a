// The machines that run jobs.

import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { duration, oneLine, size } from '../format';
import { useSignal } from '../hooks';
import { telerunIcon } from '../icons';
import { counts } from '../jobs';
import { languageLabel } from '../language';
import { Executor } from '../protocol';
import { fetchExecutors } from '../restapi';
import { Telerun } from '../telerun';
import { ConnectionNotice } from './connection';

const LOOK_AGAIN_MS = 5000;

export class ExecutorsView extends ReactWidget {
  constructor(private _telerun: Telerun) {
    super();
    this.id = 'telerun-executors';
    this.addClass('tr-Executors');
    this.title.icon = telerunIcon;
    this.title.label = _telerun.trans.__('Executors');
    this.title.closable = true;
  }

  protected render(): JSX.Element {
    return <Executors telerun={this._telerun} isShown={() => this.isVisible} />;
  }
}

function Executors({ telerun, isShown }: { telerun: Telerun; isShown: () => boolean }): JSX.Element {
  const { manager, trans } = telerun;
  useSignal(manager.changed);
  const [executors, setExecutors] = React.useState<readonly Executor[] | null>(null);
  const { kind } = manager.connection;
  React.useEffect(() => {
    const look = (): void => {
      if (isShown() && kind === 'live') {
        fetchExecutors(manager.api)
          .then(list => setExecutors(list.executors))
          .catch(() => undefined); // the notice above says what is wrong; we look again
      }
    };
    look();
    const timer = window.setInterval(look, LOOK_AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [manager, kind]);
  const { running, queued } = counts(manager.jobs);
  return (
    <>
      <header className="tr-Header">
        <div className="tr-Header-line">
          <h2>{trans.__('Executors')}</h2>
          <span className="tr-Dim">{trans.__('my jobs: %1 running · %2 queued', running, queued)}</span>
        </div>
      </header>
      <ConnectionNotice telerun={telerun} />
      {executors?.length === 0 && (
        <div className="tr-Empty">
          {trans.__('No executor has registered. Jobs wait until one does: telerun-executor run')}
        </div>
      )}
      <div className="tr-Executors-list" role="list" aria-label={trans.__('Executors')}>
        {executors?.map(executor => (
          <Card key={executor.name} executor={executor} telerun={telerun} />
        ))}
      </div>
    </>
  );
}

function Card({ executor, telerun }: { executor: Executor; telerun: Telerun }): JSX.Element {
  const { trans, manager } = telerun;
  const { info, online, busy = 0 } = executor;
  const seen = duration(manager.now() - executor.last_seen_at);
  return (
    <section className="tr-Card" role="listitem" data-executor={executor.name} data-online={online}>
      <div className="tr-Header-line">
        <h3>{oneLine(executor.name)}</h3>
        <span className="tr-Badge" data-tone={online ? (busy ? 'busy' : 'good') : 'idle'}>
          {online ? (busy ? trans.__('busy') : trans.__('free')) : trans.__('offline')}
        </span>
      </div>
      <div className="tr-Dim">
        {online ? trans.__('%1 of %2 slots in use', busy, info.slots) : trans.__('last seen %1 ago', seen)}
        {' · '}
        {trans.__('version %1', oneLine(info.version))}
        {' · '}
        <span data-warn={info.isolation === 'none' || undefined}>
          {trans.__('isolation: %1', info.isolation ?? 'none')}
        </span>
      </div>
      <h4>{trans.__('Devices')}</h4>
      {info.devices?.length ? (
        <ul>
          {info.devices.map((device, index) => (
            <li key={index}>
              {oneLine(device.name)}{' '}
              <span className="tr-Dim">
                {[
                  device.kind,
                  device.arch,
                  device.memory_bytes ? size(device.memory_bytes) : '',
                  device.driver ? trans.__('driver %1', device.driver) : ''
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <div className="tr-Dim">{trans.__('none: CUDA is compiled there, but not run')}</div>
      )}
      <h4>{trans.__('Toolchains')}</h4>
      <ul>
        {(info.toolchains ?? []).map(tool => (
          <li key={tool.language}>
            {languageLabel(tool.language)} <span className="tr-Dim">{oneLine(tool.version)}</span>
          </li>
        ))}
      </ul>
      {Boolean(info.labels?.length) && (
        <div className="tr-Labels" aria-label={trans.__('Labels')}>
          {info.labels!.map(label => (
            <span key={label} className="tr-Label">
              {label}
            </span>
          ))}
        </div>
      )}
    </section>
  );
}
