import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FrameDecoder } from '../logframes';
import { frame, join } from './frames';

test('frames arrive whole, whatever the pieces', () => {
  const log = join(frame(1, 'hello\n'), frame(2, ''), frame(3, 'wörld'));
  for (let size = 1; size <= log.length; size++) {
    const decoder = new FrameDecoder();
    const found: [number, string][] = [];
    for (let at = 0; at < log.length; at += size) {
      for (const { stream, payload } of decoder.feed(log.subarray(at, at + size))) {
        found.push([stream, new TextDecoder().decode(payload)]);
      }
    }
    assert.deepEqual(found, [
      [1, 'hello\n'],
      [2, ''],
      [3, 'wörld']
    ]);
    assert.equal(decoder.offset, log.length);
  }
});

test('after a lost connection, reading goes on at the last whole frame', () => {
  const log = join(frame(1, 'one'), frame(1, 'two'));
  const decoder = new FrameDecoder();
  decoder.feed(log.subarray(0, 13));
  assert.equal(decoder.offset, 11);
  decoder.reset();
  assert.equal(decoder.feed(log.subarray(decoder.offset)).length, 1);
});

test('bytes that are no frame are refused', () => {
  assert.throws(
    () => new FrameDecoder().feed(new Uint8Array([9, 0, 0, 0, 0, 0, 0, 1, 65])),
    /Not a log frame at byte 0/
  );
  assert.throws(() => new FrameDecoder().feed(new Uint8Array([1, 1, 0, 0, 0, 0, 0, 1, 65])), /Not a log frame/);
  assert.throws(() => new FrameDecoder().feed(new Uint8Array([1, 0, 0, 0, 255, 0, 0, 0])), /Not a log frame/);
});
