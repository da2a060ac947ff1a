import assert from 'node:assert/strict';
import { test } from 'node:test';

import { overwrite, parseAnsi, stripAnsi } from '../ansi';

test('colours and weights', () => {
  const { spans, end } = parseAnsi('a\x1b[1;31mb\x1b[0mc\x1b[38;5;196md\x1b[48;2;1;2;3me');
  assert.deepEqual(spans, [
    { text: 'a', style: {} },
    { text: 'b', style: { bold: true, color: 'red' } },
    { text: 'c', style: {} },
    { text: 'd', style: { color: '#ff0000' } },
    { text: 'e', style: { color: '#ff0000', background: '#010203' } }
  ]);
  assert.deepEqual(end, { color: '#ff0000', background: '#010203' });
});

test('nothing but colours comes through', () => {
  const attacks = [
    '\x1b]8;;javascript:alert(1)\x07',
    '\x1b]0;title\x1b\\',
    '\x1b[2J',
    '\x1b[10;20H',
    '\x1bP$q"p\x1b\\',
    '\x1b[?1049h',
    '\x1b(B',
    '\x1b[38;2;999;0;0m',
    '\x1b[38;5;url(x)m'
  ];
  for (const attack of attacks) {
    const { spans } = parseAnsi(`x${attack}y`);
    for (const { style } of spans) {
      assert.ok(!style.color || /^#[0-9a-f]{6}$|^[a-z]+$/.test(style.color), attack);
    }
    assert.ok(!spans.some(span => span.text.includes('\x1b')), attack);
  }
  assert.deepEqual(
    parseAnsi('x\x1b]8;;javascript:alert(1)\x07y').spans.map(span => span.text),
    ['x', 'y']
  );
});

test('control characters and overrides of the writing direction are shown, not obeyed', () => {
  assert.equal(parseAnsi('a\u202egnp.exe\x07\x00').spans[0].text, 'a\ufffdgnp.exe␇␀');
});

test('an unfinished sequence at the end of a line does no harm', () => {
  assert.deepEqual(
    parseAnsi('ok\x1b[3')
      .spans.map(span => span.text)
      .join('')
      .startsWith('ok'),
    true
  );
  assert.equal(stripAnsi('\x1b[31mred\x1b[0m'), 'red');
});

test('what a progress bar overwrites is gone', () => {
  assert.equal(overwrite('10 %\r20 %\r30 %'), '30 %');
  assert.equal(overwrite('windows line\r'), 'windows line');
});
