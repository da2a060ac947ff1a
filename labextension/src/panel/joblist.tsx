// The list of jobs: windowed, with rows of three heights. Its owner renders it again when a job changes.

import * as React from 'react';

import { useHeight, useTicks } from '../hooks';
import { Filter, Row, counts, rows, visible } from '../jobs';
import { notebookLabel, remark } from '../labels';
import { Telerun } from '../telerun';
import { windowOfEdges } from '../windowing';
import { JobRow } from './jobrow';

const GROUP_PX = 30;
const JOB_PX = 50;
const WHY_PX = 18;

export function JobList(props: { telerun: Telerun; filter: Filter; isGrouped: boolean }): JSX.Element {
  const { telerun, filter, isGrouped } = props;
  const { manager, trans } = telerun;
  const { running, queued } = counts(manager.jobs);
  useTicks(running + queued > 0);
  const [folded, setFolded] = React.useState<ReadonlySet<string>>(new Set());
  const box = React.useRef<HTMLDivElement>(null);
  const viewPx = useHeight(box);
  const [scrollPx, setScrollPx] = React.useState(0);

  const jobs = manager.jobs;
  const list = React.useMemo(() => rows(visible(jobs, filter), isGrouped, folded), [jobs, filter, isGrouped, folded]);
  const edges = React.useMemo(() => {
    const found = [0];
    list.forEach((row, index) => found.push(found[index] + height(row)));
    return found;
  }, [list]);
  const shown = windowOfEdges(edges, viewPx, scrollPx);

  function height(row: Row): number {
    return row.kind === 'group' ? GROUP_PX : JOB_PX + (remark(row.job, trans) ? WHY_PX : 0);
  }

  const fold = (notebook: string): void => {
    const next = new Set(folded);
    next.has(notebook) ? next.delete(notebook) : next.add(notebook);
    setFolded(next);
  };

  const moved = (event: React.KeyboardEvent<HTMLDivElement>): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row]')];
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    if (step && at >= 0) {
      event.preventDefault();
      buttons[at + step]?.focus();
    }
  };

  return (
    <div
      ref={box}
      className="tr-List tr-Jobs"
      onKeyDown={moved}
      onScroll={event => setScrollPx(event.currentTarget.scrollTop)}
    >
      {list.length === 0 && <Empty telerun={telerun} />}
      <div className="tr-List-height" style={{ height: shown.heightPx }}>
        <div
          className="tr-List-rows"
          role="list"
          aria-label={trans.__('Jobs')}
          style={{ transform: `translateY(${shown.topPx}px)` }}
        >
          {list.slice(shown.first, shown.end).map((row, index) => {
            const place = { 'aria-setsize': list.length, 'aria-posinset': shown.first + index + 1 };
            return row.kind === 'job' ? (
              <JobRow key={row.job.id} telerun={telerun} job={row.job} heightPx={height(row)} place={place} />
            ) : (
              <div key={`group ${row.notebook}`} role="listitem" {...place}>
                <button
                  className="tr-Group"
                  data-row="group"
                  style={{ height: GROUP_PX }}
                  aria-expanded={!folded.has(row.notebook)}
                  title={row.notebook}
                  onClick={() => fold(row.notebook)}
                >
                  <span aria-hidden="true">{folded.has(row.notebook) ? '▸' : '▾'}</span>
                  <span className="tr-Group-name">{notebookLabel(row.notebook, trans)}</span>
                  <span className="tr-Dim">{row.count}</span>
                </button>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Empty({ telerun }: { telerun: Telerun }): JSX.Element | null {
  const { manager, trans } = telerun;
  if (manager.connection.kind !== 'live') {
    return null;
  }
  const text = manager.jobs.size
    ? trans._n('No job matches.', 'None of the newest %1 jobs matches.', manager.jobs.size)
    : trans.__('No jobs yet. A cell that begins with %1 makes one.', '%%telerun');
  return <div className="tr-Empty">{text}</div>;
}
