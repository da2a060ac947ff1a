// A job's state as a sign with a word, and how far it has come.

import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { oneLine } from './format';
import { isolationTone, phaseLabel, stateLabel, tone } from './labels';
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

/** How far a job is kept from its neighbours and its host. */
export function Isolation({ level, trans }: { level: string; trans: TranslationBundle }): JSX.Element {
  const meaning: Record<string, string> = {
    none: trans.__('Jobs are plain processes of the executor: run only code that you trust.'),
    degraded: trans.__('A sandbox, in which memory, CPU time and processes of a whole job are only watched.'),
    full: trans.__('A sandbox with limits that the kernel of the machine enforces.')
  };
  return (
    <span className="tr-Badge tr-Isolation" data-tone={isolationTone(level)} title={meaning[level]}>
      {oneLine(level)}
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
