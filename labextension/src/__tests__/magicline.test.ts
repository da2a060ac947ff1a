import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  cellLanguage,
  guessedWord,
  isMagic,
  languageOfFile,
  languageWord,
  masked,
  withFlag,
  words
} from '../magicline';

test('the language is the first word that is no option and no value of one', () => {
  const cases: [string, string | null][] = [
    ['%%telerun cu', 'cu'],
    ['  %%telerun   cpp --asm', 'cpp'],
    ['%%telerun --asm cu', 'cu'],
    ['%%telerun --name run cu', 'cu'],
    ['%%telerun --name "my cpp job" py', 'py'],
    ["%%telerun --args '1 2 3' -X O3 c", 'c'],
    ['%%telerun -XO3 --time=30s sh', 'sh'],
    ['%%telerun -D N={n} cu', 'cu'],
    ['%%telerun --asm', null],
    ['%%telerun --bg -- cu', null],
    ['%%telerun', null]
  ];
  for (const [line, expected] of cases) {
    assert.equal(languageWord(line), expected, line);
  }
});

test('cells are highlighted by their word, or by their content', () => {
  assert.equal(cellLanguage('%%telerun cu\nx'), 'cpp');
  assert.equal(cellLanguage('%%telerun bash\nx'), 'sh');
  assert.equal(cellLanguage('%%telerun --asm\n__global__ void f() {}'), 'cpp');
  assert.equal(cellLanguage('%%telerun\nimport os\nprint(1)'), 'py');
  assert.equal(cellLanguage('%%telerun\n#!/bin/bash\nls'), 'sh');
  assert.equal(cellLanguage('%%telerun nonsense\nx'), null);
  assert.equal(cellLanguage('%%telerunner cu\nx'), null);
  assert.equal(cellLanguage('print(1)\n%%telerun cu'), null);
});

test('words are split as a shell would', () => {
  assert.deepEqual(words(`a 'b c' "d \\" e" f\\ g --x="y z"`), ['a', 'b c', 'd " e', 'f g', '--x=y z']);
  assert.deepEqual(words('an "open quote'), ['an', 'open quote']);
});

test('the mask covers two signs and leaves every position where it was', () => {
  const text = '%%telerun cu\nint x;';
  const whole = masked('//', 0, text);
  assert.equal(whole, '//telerun cu\nint x;');
  for (let from = 0; from < text.length; from++) {
    assert.equal(masked('//', from, text.slice(from)), whole.slice(from));
    assert.equal(masked('//', from, text.slice(from, from + 1)), whole[from]);
  }
});

test('a flag is switched on and off, and nothing else is touched', () => {
  assert.equal(withFlag('%%telerun cu\nx', '--asm'), '%%telerun cu --asm\nx');
  assert.equal(withFlag('%%telerun cu --asm --name n\nx', '--asm'), '%%telerun cu --name n\nx');
  assert.equal(withFlag('%%telerun cu -- --asm\nx', '--asm'), '%%telerun cu --asm -- --asm\nx');
});

test('a cell that is to run remotely gets its word', () => {
  assert.equal(guessedWord('__global__ void f() {}'), 'cu');
  assert.equal(guessedWord('#include <cstdio>\nint main() {}'), 'cpp');
  assert.equal(guessedWord('import numpy'), 'py');
  assert.equal(isMagic('x\n%%telerun'), false);
});

test('files by their suffix', () => {
  assert.equal(languageOfFile('a/b.CU'), 'cu');
  assert.equal(languageOfFile('run.sh'), 'sh');
  assert.equal(languageOfFile('notes.txt'), null);
  assert.equal(languageOfFile('cu'), null);
});
