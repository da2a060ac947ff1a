// What exactly ran, where, and under which limits.

import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Isolation } from '../badge';
import { duration, frequency, oneLine, percent, shellWords, size } from '../format';
import { phaseLabel, usageParts } from '../labels';
import { languageLabel } from '../language';
import { Device, DeviceUse, Job, Limits } from '../protocol';
import { Timeline } from './timeline';

export function Facts({ job, now, trans }: { job: Job; now: number; trans: TranslationBundle }): JSX.Element {
  const { spec, result } = job;
  const facts: [string, React.ReactNode][] = [
    [trans.__('Job'), `#${job.number} (${job.id})`],
    [trans.__('Language'), languageLabel(spec.language)],
    [trans.__('Compiler'), result?.toolchain || spec.compiler || ''],
    [trans.__('Executor'), result?.executor || job.executor || ''],
    [trans.__('Device'), (result?.devices ?? []).map(d => [d.name, d.arch].filter(Boolean).join(' ')).join(', ')],
    [trans.__('Isolation'), result?.isolation && <Isolation level={result.isolation} trans={trans} />],
    [trans.__('Used'), result?.usage ? usageParts(result.usage, trans).join(', ') : ''],
    ...(result?.device_use ?? []).map((use): [string, React.ReactNode] => [
      nameOf(use, result?.devices ?? [], trans),
      deviceUse(use, trans)
    ]),
    [trans.__('Limits'), limits(spec.limits ?? {})],
    [trans.__('Arguments'), shellWords(spec.args ?? [])],
    [
      trans.__('Environment'),
      Object.entries({ ...spec.env, ...result?.environment })
        .map(([k, v]) => `${k}=${v}`)
        .join(' ')
    ],
    [trans.__('Labels'), (spec.labels ?? []).join(', ')],
    [trans.__('Tags'), (spec.tags ?? []).join(', ')],
    [trans.__('Notebook'), spec.notebook ?? ''],
    [trans.__('Submitted'), new Date(job.created_at * 1000).toLocaleString()],
    [trans.__('Attempt'), job.attempt && job.attempt > 1 ? `${job.attempt}` : ''],
    [trans.__('Output'), result?.output_bytes ? size(result.output_bytes) : '']
  ];
  return (
    <div className="tr-Facts">
      <Timeline job={job} now={now} trans={trans} />
      <section className="tr-Section">
        <h3>{trans.__('What ran')}</h3>
        <dl>
          {facts
            .filter(([, value]) => value)
            .map(([name, value], index) => (
              <React.Fragment key={index}>
                <dt>{name}</dt>
                <dd>{typeof value === 'string' ? oneLine(value, 2000) : value}</dd>
              </React.Fragment>
            ))}
        </dl>
      </section>
      {Boolean(result?.steps?.length) && (
        <section className="tr-Section">
          <h3>{trans.__('Commands')}</h3>
          {result!.steps!.map((step, index) => (
            <div key={index} className="tr-Step">
              <div className="tr-Dim">
                {[
                  phaseLabel(step.phase, trans),
                  duration(step.wall_time_s),
                  step.cpu_time_s ? trans.__('CPU %1', duration(step.cpu_time_s)) : '',
                  step.peak_memory_bytes ? trans.__('peak %1', size(step.peak_memory_bytes)) : '',
                  step.signal
                    ? trans.__('signal %1', step.signal)
                    : step.exit_code !== null && step.exit_code !== undefined
                      ? trans.__('exit code %1', step.exit_code)
                      : ''
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </div>
              <pre className="tr-Command">{oneLine(shellWords(step.argv), 20_000)}</pre>
            </div>
          ))}
        </section>
      )}
      {Boolean(result?.kernels?.length) && (
        <section className="tr-Section">
          <h3>{trans.__('Kernels')}</h3>
          <div className="tr-Scroll">
            <table className="tr-Table">
              <thead>
                <tr>
                  {[
                    trans.__('kernel'),
                    trans.__('arch'),
                    trans.__('registers'),
                    trans.__('stack'),
                    trans.__('spills'),
                    trans.__('shared')
                  ].map(name => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {result!.kernels!.map((kernel, index) => (
                  <tr key={index}>
                    <td>{oneLine(kernel.kernel)}</td>
                    <td>{kernel.arch}</td>
                    <td>{kernel.registers ?? 0}</td>
                    <td>{size(kernel.stack_bytes ?? 0)}</td>
                    <td>{size((kernel.spill_store_bytes ?? 0) + (kernel.spill_load_bytes ?? 0))}</td>
                    <td>{size(kernel.shared_bytes ?? 0)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </div>
  );
}

function nameOf(use: DeviceUse, devices: readonly Device[], trans: TranslationBundle): string {
  const device = devices.find(({ id }) => id === use.id);
  return devices.length > 1 && device ? oneLine(device.name) : trans.__('Device use');
}

/** What a device did while the program ran. */
function deviceUse(use: DeviceUse, trans: TranslationBundle): string {
  const { utilization, utilization_peak, memory_peak_bytes, power_w, temperature_peak_c, sm_clock_hz } = use;
  const told = (value: number | null | undefined): value is number => value !== null && value !== undefined;
  return [
    told(utilization) ? trans.__('utilisation %1 (peak %2)', percent(utilization), percent(utilization_peak ?? 0)) : '',
    told(memory_peak_bytes) ? trans.__('memory up to %1', size(memory_peak_bytes)) : '',
    told(power_w) ? trans.__('power %1 W (peak %2 W)', Math.round(power_w), Math.round(use.power_peak_w ?? 0)) : '',
    told(temperature_peak_c) ? trans.__('up to %1 °C', Math.round(temperature_peak_c)) : '',
    told(sm_clock_hz) ? trans.__('clock %1', frequency(sm_clock_hz)) : '',
    use.throttled?.length ? trans.__('held down by %1', use.throttled.join(', ')) : '',
    trans._n('%1 sample', '%1 samples', use.samples)
  ]
    .filter(Boolean)
    .join(', ');
}

function limits(given: Limits): string {
  return Object.entries(given)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => {
      const number = value as number;
      const text = name.endsWith('_s') ? duration(number) : name.endsWith('_bytes') ? size(number) : `${number}`;
      return `${name.replace(/_(s|bytes)$/, '').replace(/_/g, ' ')} ${text}`;
    })
    .join(', ');
}
