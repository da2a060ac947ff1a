// The machines that run jobs.

import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Isolation } from '../badge';
import { duration, oneLine } from '../format';
import { useSignal } from '../hooks';
import { telerunIcon } from '../icons';
import { counts } from '../jobs';
import { emulationText } from '../labels';
import { languageLabel } from '../language';
import { EMULATED, Executor, ExecutorList } from '../protocol';
import { fetchExecutors } from '../restapi';
import { NOTHING, Telemetry, deviceKey, extendedBy } from '../telemetry';
import { Telerun } from '../telerun';
import { ConnectionNotice } from './connection';
import { Chart, DeviceItem } from './device';

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

interface Known {
  list: ExecutorList;
  telemetry: Telemetry;
}

function Executors({ telerun, isShown }: { telerun: Telerun; isShown: () => boolean }): JSX.Element {
  const { manager, trans } = telerun;
  useSignal(manager.changed);
  const [known, setKnown] = React.useState<Known | null>(null);
  const { kind } = manager.connection;
  React.useEffect(() => {
    let isFirst = true; // the later answers bring what is new
    const look = (): void => {
      if (isShown() && !document.hidden && kind === 'live') {
        fetchExecutors(manager.api, isFirst)
          .then(list => {
            isFirst = false;
            setKnown(was => ({
              list,
              telemetry: extendedBy(was?.telemetry ?? NOTHING, list, manager.now())
            }));
          })
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
        {known && (
          <div className="tr-Charts">
            <Chart name={trans.__('Jobs in the queue')} samples={known.telemetry.queued} most={null} trans={trans} />
          </div>
        )}
      </header>
      <ConnectionNotice telerun={telerun} />
      {known?.list.executors.length === 0 && (
        <div className="tr-Empty">
          {trans.__('No executor has registered. Jobs wait until one does: telerun-executor run')}
        </div>
      )}
      <div className="tr-Executors-list" role="list" aria-label={trans.__('Executors')}>
        {known?.list.executors.map(executor => (
          <Card key={executor.info.instance} executor={executor} telemetry={known.telemetry} telerun={telerun} />
        ))}
      </div>
    </>
  );
}

interface CardProps {
  executor: Executor;
  telemetry: Telemetry;
  telerun: Telerun;
}

function Card({ executor, telemetry, telerun }: CardProps): JSX.Element {
  const { trans, manager } = telerun;
  const { info, online, busy = 0 } = executor;
  const seen = duration(manager.now() - executor.last_seen_at);
  const labels = executor.labels?.length ? executor.labels : (info.labels ?? []);
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
        {trans.__('isolation')} <Isolation level={info.isolation ?? 'none'} trans={trans} />
      </div>
      <h4>{trans.__('Devices')}</h4>
      {info.devices?.some(device => device.kind === EMULATED) && (
        <div className="tr-Notice tr-Emulated" data-tone="warn">
          {emulationText(trans)}
        </div>
      )}
      {info.devices?.length ? (
        info.devices.map((device, index) => (
          <DeviceItem
            key={index}
            device={device}
            readings={telemetry.readings.get(deviceKey(executor, device.id ?? '')) ?? []}
            isOnline={online}
            trans={trans}
          />
        ))
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
      {labels.length > 0 && (
        <div className="tr-Labels" role="group" aria-label={trans.__('Labels')}>
          {labels.map(label => (
            <span key={label} className="tr-Label">
              {label}
            </span>
          ))}
        </div>
      )}
    </section>
  );
}
