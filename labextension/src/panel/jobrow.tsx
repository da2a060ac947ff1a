// One job in the sidebar.

import * as React from 'react';

import { Progress, StateBadge } from '../badge';
import { duration } from '../format';
import { isFinal } from '../jobs';
import { deviceLabel, emulationLabel, remark, title, usageParts } from '../labels';
import { languageLabel } from '../language';
import { Job } from '../protocol';
import { CommandIDs, Telerun } from '../telerun';

interface Props {
  telerun: Telerun;
  job: Job;
  heightPx: number;
  place: { 'aria-setsize': number; 'aria-posinset': number };
}

export function JobRow({ telerun, job, heightPx, place }: Props): JSX.Element {
  const { manager, trans, commands } = telerun;
  const elapsed = duration((job.finished_at ?? manager.now()) - job.created_at);
  const reason = remark(job, trans);
  const use = job.usage && !isFinal(job.state) ? usageParts(job.usage, trans) : [];
  const named = job.spec.name ? [`#${job.number}`, languageLabel(job.spec.language)] : [];
  const facts = [...named, deviceLabel(job), isFinal(job.state) ? trans.__('took %1', elapsed) : elapsed].filter(
    Boolean
  );
  return (
    <div
      className="tr-Job"
      role="listitem"
      data-job={job.id}
      data-state={job.state}
      style={{ height: heightPx }}
      {...place}
    >
      <button
        className="tr-Job-open"
        data-row="job"
        title={[trans.__('Open this job'), emulationLabel(job, trans), use.join(' · ')].filter(Boolean).join('\n')}
        onClick={() => void commands.execute(CommandIDs.openJob, { job: job.id })}
      >
        <span className="tr-Job-line">
          <span className="tr-Job-title">{title(job)}</span>
          <StateBadge job={job} trans={trans} />
        </span>
        <span className="tr-Job-line tr-Dim">{facts.join(' · ')}</span>
        {reason && (
          <span className="tr-Job-line tr-Job-why" title={reason} data-state={job.state}>
            {reason}
          </span>
        )}
      </button>
      {!isFinal(job.state) && (
        <>
          <button
            className="tr-Job-cancel tr-Button"
            disabled={job.cancel_requested}
            aria-label={trans.__('Cancel %1', title(job))}
            title={trans.__('Cancel')}
            onClick={() => void commands.execute(CommandIDs.cancelJob, { job: job.id })}
          >
            ✕
          </button>
          {job.state !== 'queued' && <Progress job={job} trans={trans} />}
        </>
      )}
    </div>
  );
}
