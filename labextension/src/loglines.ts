// A job's log as lines, for logs of any length: an index of chunks is kept for good, the text of few chunks at a time.
// What is not in memory is read again from the server, by its byte range.

import { Style, overwrite, parseAnsi, stripAnsi } from './ansi';
import { Frame, FrameDecoder, HEADER_BYTES, STREAMS, concat } from './logframes';

export interface LogLine {
  stream: number;
  text: string;
  style: Style; // with which it begins
}

const MAX_LINE_BYTES = 1 << 14;
const CHUNK_BYTES = 1 << 18;
const CHUNKS_IN_MEMORY = 48;
const MAX_MATCHES = 10_000;
const NEWLINE = 10;
const RETURN = 13;

interface Carry {
  rest: Uint8Array;
  style: Style;
}

/** Cuts frames into lines, each stream by itself; a chunk can begin anew from what was carried into it. */
export class LineSplitter {
  constructor(carry?: readonly Carry[]) {
    this._carry = STREAMS.map(stream => carry?.[stream] ?? { rest: new Uint8Array(0), style: {} });
  }

  carry(): readonly Carry[] {
    return [...this._carry];
  }

  feed(frame: Frame): LogLine[] {
    const { rest, style } = this._carry[frame.stream];
    let bytes = rest.length ? concat(rest, frame.payload) : frame.payload;
    const lines: LogLine[] = [];
    let next = style;
    const push = (end: number): void => {
      const text = this._decoder.decode(bytes.subarray(0, end));
      lines.push({ stream: frame.stream, text, style: next });
      next = text.includes('\x1b') ? parseAnsi(text, next).end : next;
    };
    for (let end = bytes.indexOf(NEWLINE); end >= 0 || bytes.length > MAX_LINE_BYTES; end = bytes.indexOf(NEWLINE)) {
      if (end >= 0 && end <= MAX_LINE_BYTES) {
        push(end);
        bytes = bytes.subarray(end + 1);
        continue;
      }
      const returned = bytes.lastIndexOf(RETURN, (end >= 0 ? end : bytes.length) - 2);
      if (returned > 0) {
        bytes = bytes.subarray(returned + 1); // overwritten on any screen
        continue;
      }
      const cut = boundary(bytes, MAX_LINE_BYTES);
      push(cut);
      bytes = bytes.subarray(cut);
    }
    this._carry[frame.stream] = { rest: bytes.slice(), style: next };
    return lines;
  }

  /** The lines that have no end yet. */
  unfinished(): LogLine[] {
    return STREAMS.filter(stream => this._carry[stream].rest.length).map(stream => ({
      stream,
      text: this._decoder.decode(this._carry[stream].rest),
      style: this._carry[stream].style
    }));
  }

  private _carry: Carry[];
  private _decoder = new TextDecoder();
}

/** The last place at or before `at` where no character is cut in two. */
function boundary(bytes: Uint8Array, at: number): number {
  let cut = at;
  while (cut > at - 4 && (bytes[cut] & 0xc0) === 0x80) {
    cut--;
  }
  return cut;
}

interface Chunk {
  offset: number;
  end: number;
  carry: readonly Carry[];
  counts: number[];
  lines: LogLine[] | null;
}

/** Which streams are shown: bit `stream` is set. */
export type StreamMask = number;
export const ALL_STREAMS: StreamMask = 0b1111;

export class LogLines {
  /** `read` gives the log's bytes of a range; `onChange` hears when something can be shown that could not before. */
  constructor(
    private _read: (from: number, to: number, signal: AbortSignal) => Promise<Uint8Array>,
    private _onChange: () => void
  ) {}

  /** How far the log is known: where to go on reading. */
  get offset(): number {
    return this._decoder.offset;
  }

  /** Takes the log's next bytes. */
  feed(data: Uint8Array): void {
    for (const frame of this._decoder.feed(data)) {
      const chunk = this._open(frame.end - frame.payload.length - HEADER_BYTES);
      for (const line of this._splitter.feed(frame)) {
        chunk.counts[line.stream]++;
        chunk.lines?.push(line);
      }
      chunk.end = frame.end;
    }
    this._onChange();
  }

  /** The connection was lost in the middle of a frame. */
  reset(): void {
    this._decoder.reset();
  }

  count(mask: StreamMask): number {
    return this._chunks.reduce((sum, chunk) => sum + shown(chunk, mask), 0) + this._unfinished(mask).length;
  }

  /** The line of a row, undefined while it is being read. */
  line(row: number, mask: StreamMask): LogLine | undefined {
    let before = row;
    for (let index = 0; index < this._chunks.length; index++) {
      const chunk = this._chunks[index];
      const count = shown(chunk, mask);
      if (before < count) {
        if (!chunk.lines) {
          void this._load(index);
          return undefined;
        }
        this._touch(index);
        return mask === ALL_STREAMS ? chunk.lines[before] : this._filtered(chunk, mask)[before];
      }
      before -= count;
    }
    return this._unfinished(mask)[before];
  }

  /** The rows that contain a text, letters of either case. */
  async search(query: string, mask: StreamMask, signal: AbortSignal): Promise<number[]> {
    const wanted = query.toLowerCase();
    const rows: number[] = [];
    let first = 0;
    const look = (lines: LogLine[]): void => {
      lines
        .filter(line => (mask >> line.stream) & 1)
        .forEach((line, index) => {
          if (rows.length < MAX_MATCHES && plainText(line).toLowerCase().includes(wanted)) {
            rows.push(first + index);
          }
        });
    };
    for (const chunk of this._chunks) {
      if (signal.aborted || rows.length >= MAX_MATCHES) {
        break;
      }
      look(chunk.lines ?? (await this._linesOf(chunk, signal)));
      first += shown(chunk, mask);
    }
    look(this._unfinished(mask));
    return rows;
  }

  private _open(offset: number): Chunk {
    const last = this._chunks[this._chunks.length - 1];
    if (last && last.end - last.offset < CHUNK_BYTES) {
      return last;
    }
    const chunk = { offset, end: offset, carry: this._splitter.carry(), counts: [0, 0, 0, 0], lines: [] };
    this._chunks.push(chunk);
    this._touch(this._chunks.length - 1);
    return chunk;
  }

  private _unfinished(mask: StreamMask): LogLine[] {
    return this._splitter.unfinished().filter(line => (mask >> line.stream) & 1);
  }

  private async _load(index: number): Promise<void> {
    if (this._loading.has(index)) {
      return;
    }
    this._loading.add(index);
    try {
      this._chunks[index].lines = await this._linesOf(this._chunks[index], new AbortController().signal);
      this._touch(index);
      this._onChange();
    } catch {
      setTimeout(this._onChange, 2000); // the connection is down; whoever still looks asks again
    } finally {
      this._loading.delete(index);
    }
  }

  private async _linesOf(chunk: Chunk, signal: AbortSignal): Promise<LogLine[]> {
    const bytes = await this._read(chunk.offset, chunk.end, signal);
    const splitter = new LineSplitter(chunk.carry);
    return new FrameDecoder(chunk.offset).feed(bytes).flatMap(frame => splitter.feed(frame));
  }

  /** Remembers that a chunk was needed, and forgets the text of the one that was not for longest. */
  private _touch(index: number): void {
    if (this._recent[this._recent.length - 1] === index) {
      return;
    }
    this._recent = [...this._recent.filter(other => other !== index), index];
    if (this._recent.length > CHUNKS_IN_MEMORY) {
      const oldest = this._recent.shift()!;
      this._chunks[oldest].lines = null;
    }
  }

  private _filtered(chunk: Chunk, mask: StreamMask): LogLine[] {
    const lines = chunk.lines!;
    if (this._view?.lines !== lines || this._view.mask !== mask || this._view.length !== lines.length) {
      const filtered = lines.filter(line => (mask >> line.stream) & 1);
      this._view = { lines, mask, length: lines.length, filtered };
    }
    return this._view.filtered;
  }

  private _chunks: Chunk[] = [];
  private _recent: number[] = [];
  private _loading = new Set<number>();
  private _decoder = new FrameDecoder();
  private _splitter = new LineSplitter();
  private _view: { lines: LogLine[]; mask: StreamMask; length: number; filtered: LogLine[] } | null = null;
}

/** A line as a person reads it, without colours. */
export function plainText(line: LogLine): string {
  return stripAnsi(overwrite(line.text));
}

function shown(chunk: Chunk, mask: StreamMask): number {
  return STREAMS.reduce<number>((sum, stream) => sum + ((mask >> stream) & 1 ? chunk.counts[stream] : 0), 0);
}
