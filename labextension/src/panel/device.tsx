// One device of an executor: what it is, whether a job has it, and what it did in the last minutes.

import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { frequency, oneLine, percent, size } from '../format';
import { Tone } from '../labels';
import { Device, DeviceReading, EMULATED } from '../protocol';
import { HISTORY_S, Sample, samplesOf } from '../telemetry';
import { Sparkline } from './sparkline';

interface Props {
  device: Device;
  readings: readonly DeviceReading[];
  isOnline: boolean;
  trans: TranslationBundle;
}

export function DeviceItem({ device, readings, isOnline, trans }: Props): JSX.Element {
  const latest = isOnline ? readings[readings.length - 1] : undefined;
  const [word, tone] = latest ? stateOf(latest, trans) : ['', undefined];
  const facts = [
    device.kind === EMULATED ? '' : device.kind,
    device.arch,
    device.memory_bytes ? size(device.memory_bytes) : '',
    device.driver ? trans.__('driver %1', oneLine(device.driver)) : ''
  ];
  const charts: [string, Sample[], number | null, (value: number) => string][] = [
    [trans.__('Utilisation'), samplesOf(readings, 'utilization'), 1, percent],
    [trans.__('Memory'), samplesOf(readings, 'memory_used_bytes'), device.memory_bytes || null, size],
    [trans.__('Power'), samplesOf(readings, 'power_w'), null, value => `${Math.round(value)} W`],
    [trans.__('Temperature'), samplesOf(readings, 'temperature_c'), 100, value => `${Math.round(value)} °C`],
    [trans.__('Clock'), samplesOf(readings, 'sm_clock_hz'), device.sm_clock_hz ?? null, frequency]
  ];
  return (
    <div className="tr-Device" data-device={device.id} data-kind={device.kind}>
      <div className="tr-Header-line">
        <span>{oneLine(device.name)}</span>
        {word && (
          <span className="tr-Badge" data-tone={tone}>
            {word}
          </span>
        )}
        <span className="tr-Dim">{facts.filter(Boolean).join(' · ')}</span>
      </div>
      {latest?.quarantined && <div>{oneLine(latest.quarantined)}</div>}
      {Boolean(latest?.foreign) && (
        <div className="tr-Dim">
          {trans._n('%1 process on it is no job of ours', '%1 processes on it are no jobs of ours', latest!.foreign!)}
        </div>
      )}
      {Boolean(latest?.throttled?.length) && (
        <div className="tr-Dim">{trans.__('clock held down by %1', oneLine(latest!.throttled!.join(', ')))}</div>
      )}
      <div className="tr-Charts">
        {charts.map(([name, samples, most, show]) => (
          <Chart key={name} name={name} samples={samples} most={most} show={show} trans={trans} />
        ))}
      </div>
    </div>
  );
}

function stateOf(reading: DeviceReading, trans: TranslationBundle): [string, Tone] {
  if (reading.quarantined) {
    return [trans.__('quarantined'), 'bad'];
  }
  return reading.leased || reading.foreign ? [trans.__('busy'), 'busy'] : [trans.__('free'), 'good'];
}

interface ChartProps {
  name: string;
  samples: readonly Sample[];
  most: number | null;
  show?: (value: number) => string;
  trans: TranslationBundle;
}

export function Chart({ trans, show = value => `${value}`, ...chart }: ChartProps): JSX.Element {
  return (
    <Sparkline
      {...chart}
      show={show}
      inWords={(now, least, most) =>
        trans.__('now %1, between %2 and %3 in the last %4 minutes', now, least, most, HISTORY_S / 60)
      }
    />
  );
}
