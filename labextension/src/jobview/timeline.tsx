// Where a job's time went.

import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { duration } from '../format';
import { phaseLabel } from '../labels';
import { Job } from '../protocol';

export function Timeline({ job, now, trans }: { job: Job; now: number; trans: TranslationBundle }): JSX.Element {
  const end = job.finished_at ?? now;
  const marks = [
    { key: 'queued', name: trans.__('queued'), at: job.created_at },
    ...(job.phases ?? []).map(({ phase, started_at }) => ({
      key: phase as string,
      name: phaseLabel(phase, trans),
      at: started_at
    }))
  ];
  const spans = marks.map((mark, index) => ({
    ...mark,
    seconds: Math.max(0, (marks[index + 1]?.at ?? end) - mark.at)
  }));
  const all = Math.max(end - job.created_at, 0.001);
  return (
    <section className="tr-Section">
      <h3>{trans.__('Time')}</h3>
      <div className="tr-Timeline" aria-hidden="true">
        {spans.map(span => (
          <span
            key={span.key}
            data-phase={span.key}
            style={{ flexGrow: Math.max(span.seconds / all, 0.01) }}
            title={`${span.name}: ${duration(span.seconds)}`}
          />
        ))}
      </div>
      <ul className="tr-Timeline-legend">
        {spans.map(span => (
          <li key={span.key} data-phase={span.key}>
            {span.name} <b>{duration(span.seconds)}</b>
          </li>
        ))}
        <li>
          {trans.__('in all')} <b>{duration(end - job.created_at)}</b>
        </li>
      </ul>
    </section>
  );
}
