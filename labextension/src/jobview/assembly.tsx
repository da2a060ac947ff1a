// Source and assembly side by side, linked line by line.

import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { AsmRow, asmRows, countOf, firstRowOf, lineColors, symbols, viewName } from '../asmlink';
import { oneLine } from '../format';
import { useLoaded } from '../hooks';
import { lineOffset } from '../labels';
import { AsmListing, AsmView, Job, LISTING_PATH } from '../protocol';
import { Api, fetchListing } from '../restapi';
import { RowList, RowListHandle } from '../rowlist';
import type { EditorLink } from './jobview';

const ROW_PX = 18;

interface Props {
  api: Api;
  job: Job;
  link: (job: Job) => EditorLink | null;
  trans: TranslationBundle;
}

export function Assembly({ api, job, link, trans }: Props): JSX.Element {
  const hasListing = (job.result?.artifacts ?? []).some(file => file.path === LISTING_PATH);
  const listing = useLoaded(
    signal => (hasListing ? fetchListing(api, job.id, signal) : Promise.resolve(null)),
    [job.id, hasListing]
  );
  const editor = React.useMemo(() => link(job), [link, job]);
  if (listing.state !== 'ready') {
    return <div className="tr-Empty">{listing.state === 'loading' ? trans.__('loading …') : listing.message}</div>;
  }
  if (!listing.value) {
    const text = job.result ? trans.__('It made no assembly.') : trans.__('Assembly appears when the job has ended.');
    return <div className="tr-Empty">{text}</div>;
  }
  return <Panes listing={listing.value} link={editor} offset={lineOffset(job)} trans={trans} />;
}

interface PanesProps {
  listing: AsmListing;
  link: EditorLink | null;
  offset: number; // from a line of the source to the line of its cell
  trans: TranslationBundle;
}

function Panes({ listing, link, offset, trans }: PanesProps): JSX.Element {
  const [shown, setShown] = React.useState<number[]>(() => firstViews(listing.views));
  const [symbol, setSymbol] = React.useState<string | null>(null);
  const [hasSource, setHasSource] = React.useState(true);
  const [directives, setDirectives] = React.useState(false);
  const [labels, setLabels] = React.useState(true);
  const [hot, setHot] = React.useState(0);
  const [pinned, setPinned] = React.useState(0);
  const colors = React.useMemo(() => lineColors(listing), [listing]);

  const line = hot || pinned;
  React.useEffect(() => link?.highlight(line), [link, line]);
  React.useEffect(() => () => link?.highlight(0), [link]);
  React.useEffect(() => {
    const pin = (source: number): void => setPinned(was => (colors.has(source) && source !== was ? source : 0));
    return link?.connect((source, isClick) => (isClick ? pin : setHot)(source));
  }, [link, colors]);

  const names = new Map(
    shown.flatMap(index => symbols(listing.views[index])).map(({ symbol: id, name }) => [id, name] as const)
  );
  const wanted = symbol !== null && names.has(symbol) ? symbol : null;
  const toggle = (index: number): void =>
    setShown(shown.includes(index) ? shown.filter(other => other !== index) : [...shown, index].sort((a, b) => a - b));

  const pane = { hot: line, pinned, colors, offset, onHot: setHot, onPin: setPinned };
  return (
    <div className="tr-Asm" onMouseLeave={() => setHot(0)}>
      <div className="tr-Bar" role="toolbar" aria-label={trans.__('Assembly')}>
        <button className="tr-Button" aria-pressed={hasSource} onClick={() => setHasSource(!hasSource)}>
          {trans.__('Source')}
        </button>
        {listing.views.map((view, index) => (
          <button
            key={index}
            className="tr-Button"
            data-view={`${view.kind} ${view.arch}`}
            aria-pressed={shown.includes(index)}
            onClick={() => toggle(index)}
          >
            {viewName(view)}
          </button>
        ))}
        <select
          className="tr-Select"
          aria-label={trans.__('Function')}
          value={wanted ?? ''}
          onChange={event => setSymbol(event.target.value || null)}
        >
          <option value="">{trans.__('All functions')}</option>
          {[...names].map(([id, name]) => (
            <option key={id} value={id}>
              {oneLine(name, 100)}
            </option>
          ))}
        </select>
        <label className="tr-Check">
          <input type="checkbox" checked={directives} onChange={event => setDirectives(event.target.checked)} />
          {trans.__('Directives')}
        </label>
        <label className="tr-Check">
          <input type="checkbox" checked={labels} onChange={event => setLabels(event.target.checked)} />
          {trans.__('Labels')}
        </label>
        <span className="tr-Dim tr-Bar-end" role="status">
          {line ? trans.__('line %1', line + offset) : ''}
        </span>
      </div>
      {(listing.notes ?? []).map(note => (
        <div key={note} className="tr-Dim">
          {note}
        </div>
      ))}
      <div className="tr-Panes">
        {hasSource && <SourcePane listing={listing} title={oneLine(listing.file)} {...pane} />}
        {shown.map(index => (
          <ViewPane
            key={index}
            view={listing.views[index]}
            symbol={wanted}
            directives={directives}
            labels={labels}
            trans={trans}
            {...pane}
          />
        ))}
      </div>
    </div>
  );
}

/** PTX and SASS of one architecture, or what there is. */
function firstViews(views: readonly AsmView[]): number[] {
  const kinds = ['ptx', 'sass', 'host'];
  const first = kinds.map(kind => views.findIndex(view => view.kind === kind)).filter(index => index >= 0);
  return (first.length > 1 ? first.filter(index => views[index].kind !== 'host') : first).slice(0, 2);
}

interface PaneProps {
  hot: number;
  pinned: number;
  colors: ReadonlyMap<number, number>;
  offset: number;
  onHot: (line: number) => void;
  onPin: (line: number) => void;
}

function SourcePane({ listing, title, ...pane }: PaneProps & { listing: AsmListing; title: string }): JSX.Element {
  const rows = React.useMemo(
    () => listing.source.map((text, index): AsmRow => ({ text, source: index + 1 })),
    [listing]
  );
  return <Pane kind="source" title={title} rows={rows} {...pane} />;
}

function ViewPane(
  props: PaneProps & {
    view: AsmView;
    symbol: string | null;
    directives: boolean;
    labels: boolean;
    trans: TranslationBundle;
  }
): JSX.Element {
  const { view, symbol, directives, labels, trans, ...pane } = props;
  const own = symbol !== null && view.functions.some(fn => fn.symbol === symbol) ? symbol : null;
  const rows = React.useMemo(() => asmRows(view, { symbol: own, directives, labels }), [view, own, directives, labels]);
  const count = pane.hot ? countOf(rows, pane.hot) : 0;
  const title = viewName(view) + (count ? ` · ${trans._n('%1 line', '%1 lines', count)}` : '');
  return <Pane kind={view.kind} title={title} rows={rows} {...pane} />;
}

function Pane(props: PaneProps & { kind: string; title: string; rows: readonly AsmRow[] }): JSX.Element {
  const { kind, title, rows, hot, pinned, colors, offset, onHot, onPin } = props;
  const list = React.useRef<RowListHandle>(null);
  const isUnder = React.useRef(false);
  React.useEffect(() => {
    const row = hot && !isUnder.current ? firstRowOf(rows, hot) : -1;
    if (row >= 0) {
      list.current?.reveal(row);
    }
  }, [hot, rows]);
  return (
    <div
      className="tr-Pane"
      data-kind={kind}
      onMouseEnter={() => (isUnder.current = true)}
      onMouseLeave={() => (isUnder.current = false)}
    >
      <div className="tr-Pane-title">{title}</div>
      <RowList
        ref={list}
        className="tr-Pane-rows"
        label={title}
        count={rows.length}
        rowPx={ROW_PX}
        row={index => {
          const { text, source, isHeader } = rows[index];
          const color = colors.get(source);
          return (
            <div
              key={index}
              className={`tr-Line ${color === undefined ? '' : `tr-src-${color}`}`}
              style={{ height: ROW_PX }}
              data-line={source || undefined}
              data-hot={(source > 0 && source === hot) || undefined}
              data-header={isHeader}
              onMouseEnter={() => onHot(color === undefined ? 0 : source)}
              onClick={() => onPin(source === pinned ? 0 : color === undefined ? 0 : source)}
            >
              {kind === 'source' && <span className="tr-LineNumber">{source + offset}</span>}
              {text || ' '}
            </div>
          );
        }}
      />
    </div>
  );
}
