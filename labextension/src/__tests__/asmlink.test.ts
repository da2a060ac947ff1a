import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asmRows, countOf, firstRowOf, isDirective, isLabel, lineColors, viewName } from '../asmlink';
import { AsmListing, AsmView } from '../protocol';

const view: AsmView = {
  kind: 'ptx',
  arch: 'sm_90',
  artifact: 'x.ptx',
  functions: [
    {
      symbol: '_Z1fv',
      name: 'f()',
      text: ['.loc 1 5 0', '$L__BB0_1:', '\tadd.s32 %r1, %r2, 1;', '\tmul.s32 %r3, %r1, 2;', '// a comment', '\tret;'],
      ranges: [
        [2, 3, 5],
        [5, 99, 7]
      ]
    },
    { symbol: '_Z1gv', name: '', text: ['ret;'], ranges: [[0, 0, 5]] },
    { symbol: 'module', name: '(module)', text: ['.version 8.0', ''], ranges: [] }
  ]
};
const listing: AsmListing = { file: 'a.cu', source: Array(9).fill(''), views: [view] };
const show = { symbol: null, directives: false, labels: false };

test('rows of functions under their names, linked with their lines', () => {
  const rows = asmRows(view, show);
  assert.deepEqual(
    rows.map(({ text, source }) => [text, source]),
    [
      ['f()', 0],
      ['  add.s32 %r1, %r2, 1;', 5],
      ['  mul.s32 %r3, %r1, 2;', 5],
      ['  ret;', 7],
      ['_Z1gv', 0],
      ['ret;', 5]
    ]
  );
  assert.equal(firstRowOf(rows, 5), 1);
  assert.equal(firstRowOf(rows, 6), -1);
  assert.equal(countOf(rows, 5), 3);
});

test('filters bring directives and labels back, and choose one function', () => {
  const texts = (filter: Partial<typeof show>): string[] => asmRows(view, { ...show, ...filter }).map(row => row.text);
  assert.ok(texts({ labels: true }).includes('$L__BB0_1:'));
  assert.ok(texts({ directives: true }).includes('.version 8.0'));
  assert.deepEqual(
    asmRows(view, { ...show, symbol: '_Z1gv' }).map(row => row.text),
    ['_Z1gv', 'ret;']
  );
});

test('directives and labels are told apart', () => {
  assert.ok(['.section .text', '\t.loc 1 2 3', '// x', '', '#APP', '  .reg .b32 %r<3>;'].every(isDirective));
  assert.ok(!['.L_x_1:', '.LFB12:', '  MOV R1, c[0x0][0x28] ;', 'main:'].some(isDirective));
  assert.ok(['.L_x_1:', 'main:', '$L__BB0_2:', '.LC0:'].every(isLabel));
  assert.ok(!['  ret;', '\tcall foo', '/*0010*/ S2R R0'].some(isLabel));
});

test('each line that became code has a colour, the same in every view', () => {
  assert.deepEqual(
    [...lineColors(listing)],
    [
      [5, 0],
      [7, 1]
    ]
  );
  const many = {
    ...view,
    functions: [{ ...view.functions[0], ranges: Array.from({ length: 20 }, (_, n) => [n, n, n + 1]) }]
  };
  const colors = lineColors({ ...listing, views: [many as AsmView] });
  assert.equal(colors.size, 20);
  assert.ok([...colors.values()].every(color => color >= 0 && color < 8));
});

test('views have names', () => {
  assert.equal(viewName(view), 'PTX sm_90');
  assert.equal(viewName({ ...view, kind: 'host', arch: 'x86_64' }), 'Host x86_64');
});
