// What a job printed: live, searchable, of any length.

import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Span, overwrite, parseAnsi } from '../ansi';
import { useSignal } from '../hooks';
import { COMPILE, STDERR, STDOUT, SYSTEM } from '../logframes';
import { ALL_STREAMS, LogLine } from '../loglines';
import { RowList, RowListHandle } from '../rowlist';
import { LogStream } from './logstream';

const ROW_PX = 18;

interface Props {
  log: LogStream;
  trans: TranslationBundle;
  textHref: string;
  isLive: boolean; // whether its end is of more interest than its beginning
}

export function LogView({ log, trans, textHref, isLive }: Props): JSX.Element {
  useSignal(log.changed);
  const [mask, setMask] = React.useState(ALL_STREAMS);
  const [isFollowing, setFollowing] = React.useState(isLive);
  const [query, setQuery] = React.useState('');
  const [matches, setMatches] = React.useState<number[]>([]);
  const [at, setAt] = React.useState(0);
  const list = React.useRef<RowListHandle>(null);
  const count = log.lines.count(mask);

  React.useLayoutEffect(() => {
    if (isFollowing) {
      list.current?.toEnd();
    }
  }, [count, isFollowing]);

  React.useEffect(() => {
    setAt(0);
    if (!query) {
      return setMatches([]);
    }
    const abort = new AbortController();
    const timer = window.setTimeout(() => {
      log.lines
        .search(query, mask, abort.signal)
        .then(found => !abort.signal.aborted && setMatches(found))
        .catch(() => setMatches([]));
    }, 200);
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [query, mask, log.isComplete]);

  React.useEffect(() => {
    if (matches.length) {
      setFollowing(false);
      list.current?.reveal(matches[at]);
    }
  }, [matches, at]);

  const step = (by: number): void => setAt((at + by + matches.length) % Math.max(1, matches.length));
  const streams: [number, string][] = [
    [STDOUT, 'stdout'],
    [STDERR, 'stderr'],
    [COMPILE, trans.__('compile')],
    [SYSTEM, trans.__('system')]
  ];
  return (
    <div className="tr-Log" data-complete={log.isComplete}>
      <div className="tr-Bar" role="toolbar" aria-label={trans.__('Log')}>
        {streams.map(([stream, name]) => (
          <label key={stream} className="tr-Check" data-stream={stream}>
            <input
              type="checkbox"
              checked={Boolean((mask >> stream) & 1)}
              onChange={() => setMask(mask ^ (1 << stream))}
            />
            {name}
          </label>
        ))}
        <input
          type="search"
          className="tr-Input"
          placeholder={trans.__('Search in the log')}
          aria-label={trans.__('Search in the log')}
          value={query}
          onChange={event => setQuery(event.target.value)}
          onKeyDown={event => event.key === 'Enter' && step(event.shiftKey ? -1 : 1)}
        />
        {query && (
          <span className="tr-Dim" role="status">
            {matches.length ? `${at + 1} / ${matches.length}` : trans.__('no match')}
          </span>
        )}
        {!log.isComplete && (
          <button className="tr-Button" aria-pressed={isFollowing} onClick={() => setFollowing(!isFollowing)}>
            {trans.__('Follow')}
          </button>
        )}
        <a className="tr-Button" href={textHref} target="_blank" rel="noreferrer">
          {trans.__('As text')}
        </a>
        <span className="tr-Dim tr-Bar-end" data-testid="lines">
          {trans._n('%1 line', '%1 lines', count)}
        </span>
      </div>
      {log.trouble && (
        <div className="tr-Notice" role="status" data-tone="warn">
          {log.trouble} {trans.__('It is tried again by itself.')}
        </div>
      )}
      <RowList
        ref={list}
        className="tr-Log-lines"
        label={trans.__('Lines of the log')}
        count={count}
        rowPx={ROW_PX}
        onScroll={isAtEnd => !isAtEnd && setFollowing(false)}
        row={index => (
          <Line
            key={index}
            line={log.lines.line(index, mask)}
            isMatch={Boolean(query) && matches[at] === index}
            label={trans.__('loading …')}
          />
        )}
      />
      {count === 0 && (
        <div className="tr-Empty">
          {log.isComplete ? trans.__('Nothing was printed.') : trans.__('Nothing has been printed yet.')}
        </div>
      )}
    </div>
  );
}

const STREAM_NAMES = ['system', 'stdout', 'stderr', 'compile'];

function Line({ line, isMatch, label }: { line?: LogLine; isMatch: boolean; label: string }): JSX.Element {
  if (!line) {
    return (
      <div className="tr-Line tr-Dim" style={{ height: ROW_PX }}>
        {label}
      </div>
    );
  }
  return (
    <div
      className="tr-Line"
      data-stream={STREAM_NAMES[line.stream]}
      data-match={isMatch || undefined}
      style={{ height: ROW_PX }}
    >
      {parseAnsi(overwrite(line.text), line.style).spans.map((span, index) => (
        <Piece key={index} span={span} />
      ))}
    </div>
  );
}

function Piece({ span: { text, style } }: { span: Span }): JSX.Element {
  const classes = [
    style.color && !style.color.startsWith('#') && `tr-fg-${style.color}`,
    style.background && !style.background.startsWith('#') && `tr-bg-${style.background}`,
    style.bold && 'tr-bold',
    style.dim && 'tr-dim',
    style.italic && 'tr-italic',
    style.underline && 'tr-underline',
    style.inverse && 'tr-inverse'
  ].filter(Boolean);
  return (
    <span
      className={classes.join(' ') || undefined}
      style={{
        color: style.color?.startsWith('#') ? style.color : undefined,
        background: style.background?.startsWith('#') ? style.background : undefined
      }}
    >
      {text}
    </span>
  );
}
