// A job's state as a sign with a word, and how far it has come.

import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { phaseLabel, stateLabel, tone } from './labels';
import { isFinal } from './jobs';
import { Job, Phase } from './protocol';

const PHASES: readonly Phase[] = ['fetch', 'compile', 'wait_device', 'run', 'collect'];

export function StateBadge({ job, trans }: { job: Job; trans: TranslationBundle }): JSX.Element {
  return (
    <span className="tr-Badge" data-tone={tone(job)}>
      {stateLabel(job, trans)}
    </span>
  );
}

/** The phases as steps; nothing once the job has ended. */
export function Progress({ job, trans }: { job: Job; trans: TranslationBundle }): JSX.Element | null {
  if (isFinal(job.state)) {
    return null;
  }
  const at = job.phase ? PHASES.indexOf(job.phase) : -1;
  return (
    <div
      className="tr-Progress"
      role="progressbar"
      aria-label={trans.__('Progress')}
      aria-valuemin={0}
      aria-valuemax={PHASES.length}
      aria-valuenow={at + 1}
      aria-valuetext={stateLabel(job, trans)}
    >
      {PHASES.map((phase, index) => (
        <span
          key={phase}
          className="tr-Progress-step"
          data-step={index < at ? 'done' : index === at ? 'now' : 'next'}
          title={phaseLabel(phase, trans)}
        />
      ))}
    </div>
  );
}
