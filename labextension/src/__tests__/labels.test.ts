import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TranslationBundle } from '@jupyterlab/translation';

import { isolationTone, placeOf, remark, usageParts } from '../labels';
import { Job, Result } from '../protocol';

const fill = (text: string, ...values: unknown[]): string =>
  values.reduce<string>((s, v, i) => s.replace(`%${i + 1}`, `${v}`), text);
const trans = {
  __: fill,
  _n: (one: string, many: string, n: number) => fill(n === 1 ? one : many, n)
} as unknown as TranslationBundle;

function job(lineOffset: number, result: Partial<Result>): Job {
  const files = [{ path: 'cell.cpp', sha256: '', size_bytes: 1 }];
  const spec = { language: 'cpp' as const, files, line_offset: lineOffset };
  return {
    id: 'a',
    number: 1,
    owner: 'ada',
    state: 'failed',
    spec,
    created_at: 0,
    result: { state: 'failed', ...result }
  };
}

test('a message stands where the cell shows it', () => {
  const diagnostics = [{ file: 'cell.cpp', line: 3, column: 5, severity: 'error', message: 'no x' }];
  const failed = { ...job(1, { diagnostics }), reason: 'compile_error' };
  assert.equal(placeOf(failed, diagnostics[0], trans), 'cell line 4:5');
  assert.equal(remark(failed, trans), 'cell line 4:5: no x');
  assert.equal(placeOf(job(1, {}), { file: 'a.h', line: 3, message: '' }, trans), 'a.h line 3');
  assert.equal(placeOf(job(0, {}), diagnostics[0], trans), 'cell.cpp line 3:5');
  assert.equal(placeOf(job(1, {}), { file: 'cell.cpp', message: '' }, trans), 'cell');
});

test('an emulation is told, below the reason of a failure', () => {
  const devices = [{ kind: 'emulated', name: 'CPU emulation' }];
  assert.match(remark({ ...job(0, { devices }), state: 'succeeded' }, trans), /^CPU emulation – functional only/);
  assert.equal(remark(job(0, { devices, message: 'It crashed.' }), trans), 'It crashed.');
});

test('levels of isolation, also ones to come', () => {
  assert.deepEqual(['none', 'degraded', 'full', 'armoured'].map(isolationTone), ['bad', 'warn', undefined, undefined]);
});

test('what a program uses', () => {
  const parts = usageParts({ cpu_time_s: 2, memory_bytes: 2 ** 20, processes: 1, io_write_bytes: 0 }, trans);
  assert.deepEqual(parts, ['CPU 2.0 s', 'memory 1 MiB', '1 process']);
});
