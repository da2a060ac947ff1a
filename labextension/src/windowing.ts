// Which rows of a long list are on the screen. Browsers cannot lay out a page of any height, so that beyond
// `MAX_HEIGHT_PX` the scroll bar moves over the rows in proportion.

export const MAX_HEIGHT_PX = 8_000_000;

export interface Viewport {
  count: number;
  rowPx: number;
  viewPx: number;
  scrollPx: number;
}

export interface Window {
  first: number; // rows from `first` up to, without, `end`
  end: number;
  heightPx: number; // of the whole list
  topPx: number; // where row `first` is drawn
}

export function windowOf({ count, rowPx, viewPx, scrollPx }: Viewport, overscan = 8): Window {
  const heightPx = Math.min(count * rowPx, MAX_HEIGHT_PX);
  const top = clamp(scrollPx, 0, Math.max(0, heightPx - viewPx));
  const row = rowAt({ count, rowPx, viewPx, scrollPx: top });
  const first = Math.max(0, Math.floor(row) - overscan);
  const end = Math.min(count, Math.ceil(row + viewPx / rowPx) + overscan);
  return { first, end, heightPx, topPx: top - (row - first) * rowPx };
}

/** The row, with its fraction, at the upper edge. */
export function rowAt({ count, rowPx, viewPx, scrollPx }: Viewport): number {
  if (count * rowPx <= MAX_HEIGHT_PX) {
    return scrollPx / rowPx;
  }
  return (scrollPx / (MAX_HEIGHT_PX - viewPx)) * (count - viewPx / rowPx);
}

/** The scroll position that puts a row into the middle. */
export function scrollTo(row: number, { count, rowPx, viewPx }: Omit<Viewport, 'scrollPx'>): number {
  const visible = viewPx / rowPx;
  const upper = clamp(row - visible / 2, 0, Math.max(0, count - visible));
  if (count * rowPx <= MAX_HEIGHT_PX) {
    return upper * rowPx;
  }
  return (upper / (count - visible)) * (MAX_HEIGHT_PX - viewPx);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** The same for rows of different heights: `edges[i]` is the upper edge of row i, its last entry the end of all. */
export function windowOfEdges(edges: readonly number[], viewPx: number, scrollPx: number, overscan = 4): Window {
  const count = edges.length - 1;
  const heightPx = edges[count];
  const top = clamp(scrollPx, 0, Math.max(0, heightPx - viewPx));
  const first = Math.max(0, lastEdge(edges, top) - overscan);
  const end = Math.min(count, lastEdge(edges, top + viewPx) + 1 + overscan);
  return { first, end, heightPx, topPx: edges[first] };
}

function lastEdge(edges: readonly number[], at: number): number {
  let low = 0;
  let high = edges.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (edges[middle] <= at) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
