import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { cliCommand } from '../clicommand';
import { parseTable } from '../csv';
import { duration, frequency, oneLine, percent, shellWords, size } from '../format';
import { VERSION } from '../version';

test('durations and sizes', () => {
  assert.deepEqual([0.0123, 1.25, 59.9, 61, 3700, 200_000].map(duration), [
    '12 ms',
    '1.3 s',
    '59 s',
    '1 min 1 s',
    '1 h 1 min',
    '2 d 7 h'
  ]);
  assert.equal(duration(-3), '0 ms');
  const sizes = [0, 1023, 1536, 2 ** 21, 12_345_678, 1023.6 * 1024, 2 ** 31];
  assert.deepEqual(sizes.map(size), ['0 B', '1023 B', '1.5 KiB', '2 MiB', '12 MiB', '1 MiB', '2 GiB']);
  assert.deepEqual([percent(0.456), frequency(1.98e9), frequency(345e6)], ['46 %', '1.98 GHz', '345 MHz']);
});

test('untrusted text stays on its line', () => {
  assert.equal(oneLine('a\nb\u202ec\x1b[31m'), 'a b c [31m');
  assert.equal(oneLine('x'.repeat(300)).length, 200);
});

test('a job as a command line', () => {
  assert.equal(shellWords(['a b', "it's", '-O3', '$(rm)']), `'a b' 'it'\\''s' -O3 '$(rm)'`);
  const file = { path: 'cell.cu', sha256: '0'.repeat(64), size_bytes: 1 };
  const spec = {
    language: 'cu' as const,
    files: [file],
    archs: ['sm_90'],
    asm: true,
    limits: { wall_time_s: 30 },
    args: ['1 2']
  };
  assert.equal(cliCommand(spec), "telerun run --asm --arch 90 --time 30s cu cell.cu '1 2'");
  const more = {
    ...spec,
    files: [file, { ...file, path: 'a.h' }],
    main: 'cell.cu',
    run: false,
    labels: ['gpu-memory>=40GB'],
    emulate: false,
    inputs: [{ ...file, path: 'data.csv' }]
  };
  assert.equal(
    cliCommand(more),
    "telerun run --asm --compile-only --arch 90 --time 30s --label 'gpu-memory>=40GB' --no-emulate " +
      "--header-file a.h --in data.csv cu cell.cu '1 2'"
  );
  const bounded = {
    ...spec,
    asm: false,
    compiler: 'gcc-12',
    network: true,
    checks: ['memory', 'races'],
    limits: { memory_bytes: 1024, cpu_time_s: 2.5, output_bytes: 4096, processes: 8 }
  };
  assert.equal(
    cliCommand(bounded),
    'telerun run --compiler gcc-12 --arch 90 --memory 1024B --limit cpu_time=2.5s --limit output=4096B ' +
      "--limit processes=8 --network --check memory --check races cu cell.cu '1 2'"
  );
  assert.equal(cliCommand({ language: 'command', args: ['nvidia-smi', '-L'] }), 'telerun run -- nvidia-smi -L');
});

test('tables with quotes, and no more rows than asked for', () => {
  assert.deepEqual(parseTable('a,b\r\n"x, ""y""\nz",2\n', ',', 10), [
    ['a', 'b'],
    ['x, "y"\nz', '2']
  ]);
  assert.equal(parseTable('1\n'.repeat(1000), ',', 5).length, 5);
  assert.deepEqual(parseTable('a\tb', '\t', 5), [['a', 'b']]);
});

test('one version', () => {
  assert.equal(JSON.parse(readFileSync('package.json', 'utf8')).version, VERSION);
});
