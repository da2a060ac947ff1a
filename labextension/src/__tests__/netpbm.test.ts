import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fromNetpbm } from '../netpbm';

const bytes = (text: string, ...samples: number[]): Uint8Array =>
  Uint8Array.from([...Buffer.from(text, 'latin1'), ...samples]);

test('colours, raw and as text', () => {
  const rgba = [255, 0, 10, 255, 1, 2, 3, 255];
  const raw = fromNetpbm(bytes('P6\n# made by hand\n2 1\n255\n', 255, 0, 10, 1, 2, 3));
  assert.deepEqual([raw?.width, raw?.height, [...raw!.rgba]], [2, 1, rgba]);
  assert.deepEqual([...fromNetpbm(bytes('P3 2 1 255\n255 0 10 # red\n1 2 3\n'))!.rgba], rgba);
});

test('grey, and brightness by the highest value', () => {
  assert.deepEqual([...fromNetpbm(bytes('P5 2 1 15\n', 15, 3))!.rgba], [255, 255, 255, 255, 51, 51, 51, 255]);
  assert.deepEqual([...fromNetpbm(bytes('P5 1 1 65535\n', 128, 0))!.rgba].slice(0, 1), [128]);
});

test('what is no whole picture is none', () => {
  for (const text of [
    '',
    'P6',
    'P4 1 1 1\n1',
    'P6 2 2 255\nabc',
    'P6 0 5 255\n',
    'P6 90000 90000 255\n',
    'P5 1 1 0\n1'
  ]) {
    assert.equal(fromNetpbm(bytes(text)), null, text);
  }
});
