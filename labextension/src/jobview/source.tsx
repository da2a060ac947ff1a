// A job's source as it was submitted, with the compiler's messages on its lines.

import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { oneLine } from '../format';
import { useLoaded } from '../hooks';
import { mainFile } from '../jobs';
import { lineOffset, placeOf } from '../labels';
import { Diagnostic, Job } from '../protocol';
import { Api, fetchSource } from '../restapi';
import { RowList } from '../rowlist';

const ROW_PX = 18;

type Row = { line: number; text: string } | Diagnostic;

export function Source({ api, job, trans }: { api: Api; job: Job; trans: TranslationBundle }): JSX.Element {
  const source = useLoaded(signal => fetchSource(api, job, signal), [job.id]);
  const diagnostics = job.result?.diagnostics ?? [];
  if (source.state !== 'ready') {
    return <div className="tr-Empty">{source.state === 'loading' ? trans.__('loading …') : source.message}</div>;
  }
  if (source.value === null) {
    const names = (job.spec.files ?? []).map(file => oneLine(file.path)).join(', ');
    return <div className="tr-Empty">{names || trans.__('This job has no source.')}</div>;
  }
  const rows = rowsOf(source.value, diagnostics, mainFile(job.spec)?.path);
  return (
    <RowList
      className="tr-Source"
      label={trans.__('Source')}
      count={rows.length}
      rowPx={ROW_PX}
      row={index => <SourceRow key={index} row={rows[index]} job={job} trans={trans} />}
    />
  );
}

/** Each line, below it what the compiler says of it; messages about other places stand first. */
function rowsOf(source: string, diagnostics: readonly Diagnostic[], main: string | undefined): Row[] {
  const lines = source.replace(/\n$/, '').split('\n');
  const here = (d: Diagnostic): boolean => d.file === main && (d.line ?? 0) >= 1 && d.line! <= lines.length;
  const elsewhere = diagnostics.filter(d => !here(d));
  return [
    ...elsewhere,
    ...lines.flatMap((text, index): Row[] => [
      { line: index + 1, text },
      ...diagnostics.filter(d => here(d) && d.line === index + 1)
    ])
  ];
}

function SourceRow({ row, job, trans }: { row: Row; job: Job; trans: TranslationBundle }): JSX.Element {
  if ('message' in row) {
    const place = placeOf(job, row, trans);
    return (
      <div className="tr-Line tr-Diagnostic" data-severity={row.severity ?? 'error'} style={{ height: ROW_PX }}>
        <span className="tr-LineNumber" />
        <b>{oneLine(row.severity ?? 'error')}:</b> {oneLine(row.message, 500)} <span className="tr-Dim">{place}</span>
      </div>
    );
  }
  return (
    <div className="tr-Line" style={{ height: ROW_PX }}>
      <span className="tr-LineNumber">{row.line + lineOffset(job)}</span>
      {row.text}
    </div>
  );
}
