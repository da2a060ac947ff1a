// The first rows of a table in a text file.

/** Cells of comma- or tab-separated text, quotes understood; at most `mostRows` rows. */
export function parseTable(text: string, separator: string, mostRows: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let isQuoted = false;
  const endRow = (): void => {
    rows.push([...row, cell]);
    row = [];
    cell = '';
  };
  for (let i = 0; i < text.length && rows.length < mostRows; i++) {
    const sign = text[i];
    if (isQuoted) {
      if (sign !== '"') {
        cell += sign;
      } else if (text[i + 1] === '"') {
        cell += '"';
        i++;
      } else {
        isQuoted = false;
      }
    } else if (sign === '"' && !cell) {
      isQuoted = true;
    } else if (sign === separator) {
      row.push(cell);
      cell = '';
    } else if (sign === '\n') {
      endRow();
    } else if (sign !== '\r') {
      cell += sign;
    }
  }
  if ((cell || row.length) && rows.length < mostRows) {
    endRow();
  }
  return rows;
}
