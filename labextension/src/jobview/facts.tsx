// What exactly ran, where, and under which limits.

import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { duration, oneLine, shellWords, size } from '../format';
import { phaseLabel } from '../labels';
import { languageLabel } from '../language';
import { Job, Limits } from '../protocol';
import { Timeline } from './timeline';

export function Facts({ job, now, trans }: { job: Job; now: number; trans: TranslationBundle }): JSX.Element {
  const { spec, result } = job;
  const facts: [string, string][] = [
    [trans.__('Job'), `#${job.number} (${job.id})`],
    [trans.__('Language'), languageLabel(spec.language)],
    [trans.__('Compiler'), result?.toolchain || spec.compiler || ''],
    [trans.__('Executor'), result?.executor || job.executor || ''],
    [trans.__('Device'), (result?.devices ?? []).map(d => [d.name, d.arch].filter(Boolean).join(' ')).join(', ')],
    [trans.__('Isolation'), result?.isolation ?? ''],
    [trans.__('Limits'), limits(spec.limits ?? {})],
    [trans.__('Arguments'), shellWords(spec.args ?? [])],
    [
      trans.__('Environment'),
      Object.entries(spec.env ?? {})
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
            .map(([name, value]) => (
              <React.Fragment key={name}>
                <dt>{name}</dt>
                <dd data-warn={value === 'none' || undefined}>{oneLine(value, 2000)}</dd>
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
