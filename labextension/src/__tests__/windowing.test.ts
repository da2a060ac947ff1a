import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MAX_HEIGHT_PX, scrollTo, windowOf, windowOfEdges } from '../windowing';

test('only the rows on the screen, and a few around', () => {
  const shown = windowOf({ count: 1000, rowPx: 20, viewPx: 400, scrollPx: 2000 }, 5);
  assert.deepEqual(shown, { first: 95, end: 125, heightPx: 20_000, topPx: 1900 });
  assert.deepEqual(windowOf({ count: 3, rowPx: 20, viewPx: 400, scrollPx: 0 }), {
    first: 0,
    end: 3,
    heightPx: 60,
    topPx: 0
  });
  assert.equal(windowOf({ count: 0, rowPx: 20, viewPx: 400, scrollPx: 0 }).end, 0);
});

test('a list that shrank is not scrolled beyond its end', () => {
  const shown = windowOf({ count: 10, rowPx: 20, viewPx: 100, scrollPx: 99_999 }, 0);
  assert.deepEqual([shown.first, shown.end], [5, 10]);
});

test('a list higher than a browser allows is reached from its first to its last row', () => {
  const list = { count: 3_000_000, rowPx: 18, viewPx: 900 };
  assert.equal(windowOf({ ...list, scrollPx: 0 }).first, 0);
  const end = windowOf({ ...list, scrollPx: MAX_HEIGHT_PX - list.viewPx });
  assert.equal(end.end, list.count);
  for (const row of [0, 1, 1_234_567, 2_999_999]) {
    const scrollPx = scrollTo(row, list);
    const shown = windowOf({ ...list, scrollPx }, 0);
    assert.ok(shown.first <= row && row < shown.end, `${row} in ${shown.first}-${shown.end}`);
    const y = shown.topPx + (row - shown.first) * list.rowPx;
    assert.ok(y > scrollPx - list.rowPx && y < scrollPx + list.viewPx, 'and drawn where one looks');
  }
});

test('rows of different heights', () => {
  const edges = [0, 30, 80, 148, 198, 248];
  assert.deepEqual(windowOfEdges(edges, 60, 85, 0), { first: 2, end: 3, heightPx: 248, topPx: 80 });
  assert.deepEqual(windowOfEdges([0], 60, 0), { first: 0, end: 0, heightPx: 0, topPx: 0 });
  assert.equal(windowOfEdges(edges, 1000, 0).end, 5);
});
