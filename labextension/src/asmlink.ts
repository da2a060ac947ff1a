// Source and assembly side by side: which rows of a view are shown, and which line of the source each comes from.

import { AsmFunction, AsmListing, AsmView } from './protocol';

export const COLORS = 8;

export interface AsmRow {
  text: string;
  source: number; // line from 1; 0: none
  isHeader?: boolean; // the name of a kernel
}

export interface AsmFilter {
  symbol: string | null; // one function, null for all
  directives: boolean;
  labels: boolean;
}

export function viewName(view: AsmView): string {
  const kind = { ptx: 'PTX', sass: 'SASS', host: 'Host' }[view.kind] ?? view.kind;
  return view.kind === 'ptx' && !view.arch ? kind : `${kind} ${view.arch}`;
}

export function symbols(view: AsmView): { symbol: string; name: string }[] {
  return view.functions.map(({ symbol, name }) => ({ symbol, name: name || symbol }));
}

export function asmRows(view: AsmView, filter: AsmFilter): AsmRow[] {
  return view.functions
    .filter(fn => filter.symbol === null || fn.symbol === filter.symbol)
    .map(fn => ({ name: fn.name || fn.symbol, rows: functionRows(fn, filter) }))
    .filter(fn => fn.rows.length)
    .flatMap(fn => [{ text: fn.name, source: 0, isHeader: true }, ...fn.rows]);
}

function functionRows(fn: AsmFunction, filter: AsmFilter): AsmRow[] {
  const sources = new Array<number>(fn.text.length).fill(0);
  for (const [first, last, source] of fn.ranges) {
    sources.fill(source, first, Math.min(last, fn.text.length - 1) + 1);
  }
  return fn.text
    .map((text, index) => ({ text: text.replace(/^\s+/, '  '), source: sources[index] }))
    .filter(({ text }) => (filter.directives || !isDirective(text)) && (filter.labels || !isLabel(text)));
}

/** `.loc 1 5 3`, `.section …`, comments and empty lines; not `.L_x_1:`, which is a label. */
export function isDirective(text: string): boolean {
  return /^\s*(?:$|\/\/|#|\.(?![\w$.]*:)[a-zA-Z_])/.test(text);
}

export function isLabel(text: string): boolean {
  return /^\s*[.$\w]+:\s*$/.test(text) && !/^\s*\.(?:loc|file)/.test(text);
}

/** A colour for each line of the source that became code in any view, in order of the lines. */
export function lineColors(listing: AsmListing): Map<number, number> {
  const lines = new Set<number>();
  for (const view of listing.views) {
    for (const fn of view.functions) {
      fn.ranges.forEach(([, , source]) => lines.add(source));
    }
  }
  lines.delete(0);
  return new Map([...lines].sort((a, b) => a - b).map((line, index) => [line, index % COLORS]));
}

/** The first row that comes from a line of the source, -1 where none does. */
export function firstRowOf(rows: readonly AsmRow[], source: number): number {
  return rows.findIndex(row => row.source === source);
}

/** Rows and instructions that a view has for each line. */
export function countOf(rows: readonly AsmRow[], source: number): number {
  return rows.reduce((sum, row) => sum + (row.source === source ? 1 : 0), 0);
}
