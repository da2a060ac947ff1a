import assert from 'node:assert/strict';
import { test } from 'node:test';

import { STDERR, STDOUT } from '../logframes';
import { ALL_STREAMS, LineSplitter, LogLines, StreamMask, plainText } from '../loglines';
import { frame, join } from './frames';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const ERRORS = 1 << STDERR;

class Log {
  reads: [number, number][] = [];
  lines: LogLines;

  constructor(readonly content: Uint8Array) {
    this.lines = new LogLines(
      async (from, to) => {
        this.reads.push([from, to]);
        return content.slice(from, to);
      },
      () => undefined
    );
  }

  feed(piece = 1000): this {
    for (let at = 0; at < this.content.length; at += piece) {
      this.lines.feed(this.content.subarray(at, at + piece));
    }
    return this;
  }

  async text(row: number, mask: StreamMask = ALL_STREAMS): Promise<string> {
    for (let tries = 0; tries < 5; tries++) {
      const line = this.lines.line(row, mask);
      if (line) {
        return plainText(line);
      }
      await new Promise(resolve => setTimeout(resolve, 1));
    }
    throw new Error(`row ${row} never came`);
  }
}

test('lines are cut per stream, across frames and within characters', () => {
  const splitter = new LineSplitter();
  const [head, tail] = [bytes('grüße\n').subarray(0, 3), bytes('grüße\n').subarray(3)];
  const texts = [
    { stream: STDOUT, payload: head },
    { stream: STDERR, payload: bytes('oops\n') },
    { stream: STDOUT, payload: tail },
    { stream: STDOUT, payload: bytes('no end') }
  ].flatMap(piece => splitter.feed(piece).map(line => line.text));
  assert.deepEqual(texts, ['oops', 'grüße']);
  assert.deepEqual(
    splitter.unfinished().map(line => line.text),
    ['no end']
  );
});

test('a line without end is cut, and a progress bar without end is not kept', () => {
  const splitter = new LineSplitter();
  const long = splitter.feed({ stream: STDOUT, payload: bytes('é'.repeat(20_000)) });
  assert.ok(long.length >= 2 && long.every(line => !line.text.includes('\ufffd')));
  const bars = new LineSplitter();
  for (let n = 0; n < 5000; n++) {
    assert.equal(bars.feed({ stream: STDOUT, payload: bytes(`\r${n} of 5000`) }).length, 0);
  }
  assert.equal(plainText(bars.unfinished()[0]), '4999 of 5000');
});

test('colours last until they are reset, also on later lines', () => {
  const lines = new LineSplitter().feed({ stream: STDOUT, payload: bytes('\x1b[31mred\nstill\x1b[0m\nplain\n') });
  assert.deepEqual(
    lines.map(line => line.style.color),
    [undefined, 'red', undefined]
  );
});

test('a log of many chunks keeps few of them, and reads the others again', async () => {
  const count = 600_000;
  const parts: Uint8Array[] = [];
  for (let n = 0; n < count; n += 100) {
    const stream = n % 1000 ? STDOUT : STDERR;
    parts.push(frame(stream, Array.from({ length: 100 }, (_, k) => `line ${n + k} of a rather long log\n`).join('')));
  }
  const log = new Log(join(...parts)).feed(50_000);
  assert.equal(log.lines.count(ALL_STREAMS), count);
  assert.equal(log.lines.count(ERRORS), count / 10);
  assert.equal(await log.text(count - 1), `line ${count - 1} of a rather long log`);
  assert.equal(log.reads.length, 0);
  assert.equal(await log.text(17), 'line 17 of a rather long log');
  assert.equal(log.reads.length, 1);
  assert.ok(log.reads[0][1] - log.reads[0][0] < 600_000, 'one chunk only');
  assert.equal(await log.text(150, ERRORS), 'line 1050 of a rather long log');
  const middle = await log.text(200_001);
  assert.equal(middle, 'line 200001 of a rather long log');
});

test('a search looks everywhere and counts rows as they are shown', async () => {
  const parts = Array.from({ length: 30_000 }, (_, n) =>
    frame(n % 3 ? STDOUT : STDERR, `entry ${n} ${'x'.repeat(40)}\n`)
  );
  const log = new Log(join(...parts)).feed();
  const signal = new AbortController().signal;
  assert.deepEqual(await log.lines.search('ENTRY 29997 ', ALL_STREAMS, signal), [29_997]);
  assert.deepEqual(await log.lines.search('entry 29997 ', ERRORS, signal), [9999]);
  assert.equal((await log.lines.search('entry', ALL_STREAMS, signal)).length, 10_000);
});
