// Terminal colours as data. What a program prints is text: only colours and weights of SGR sequences are understood,
// every other control sequence is dropped, and nothing of it can become markup.

export interface Style {
  color?: string; // a class suffix such as "red", or "#rrggbb"
  background?: string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
}

export interface Span {
  text: string;
  style: Style;
}

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const PLAIN: Style = {};
/* eslint-disable no-control-regex */
const SEQUENCE =
  /\x1b(?:\[([0-9:;<=>?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])?/g;
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u009f]/g;
/* eslint-enable no-control-regex */

/** The text without any sequence, as it is searched and copied. */
export function stripAnsi(text: string): string {
  return text.includes('\x1b') ? text.replace(SEQUENCE, '') : text;
}

/** What remains visible of a line in which a program went back to the start, as progress bars do. */
export function overwrite(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return text.includes('\r') ? text.slice(text.lastIndexOf('\r') + 1) : text;
}

/** Styled pieces of one line, and the style with which the next line of the stream begins. */
export function parseAnsi(text: string, start: Style = PLAIN): { spans: Span[]; end: Style } {
  if (!text.includes('\x1b')) {
    return { spans: text ? [{ text: visible(text), style: start }] : [], end: start };
  }
  const spans: Span[] = [];
  let style = start;
  let position = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    if (match.index > position) {
      spans.push({ text: visible(text.slice(position, match.index)), style });
    }
    position = match.index + match[0].length;
    if (match[2] === 'm' && !/[<=>?]/.test(match[1])) {
      style = applied(style, match[1]);
    }
  }
  if (position < text.length) {
    spans.push({ text: visible(text.slice(position)), style });
  }
  return { spans, end: style };
}

/** Control characters as visible signs; bidirectional overrides lose their power. */
function visible(text: string): string {
  return text
    .replace(CONTROLS, sign => (sign < ' ' ? String.fromCharCode(0x2400 + sign.charCodeAt(0)) : '\ufffd'))
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

function applied(before: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(code => Number(code || 0));
  let style: Style = { ...before };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code === 0) {
      style = {};
    } else if (code === 1) {
      style.bold = true;
    } else if (code === 2) {
      style.dim = true;
    } else if (code === 3) {
      style.italic = true;
    } else if (code === 4) {
      style.underline = true;
    } else if (code === 7) {
      style.inverse = true;
    } else if (code === 22) {
      delete style.bold;
      delete style.dim;
    } else if (code === 23) {
      delete style.italic;
    } else if (code === 24) {
      delete style.underline;
    } else if (code === 27) {
      delete style.inverse;
    } else if (code === 38 || code === 48) {
      const [color, used] = extended(codes.slice(i + 1));
      i += used;
      if (color) {
        style[code === 38 ? 'color' : 'background'] = color;
      }
    } else if (code === 39) {
      delete style.color;
    } else if (code === 49) {
      delete style.background;
    } else if (code >= 30 && code <= 37) {
      style.color = NAMES[code - 30];
    } else if (code >= 40 && code <= 47) {
      style.background = NAMES[code - 40];
    } else if (code >= 90 && code <= 97) {
      style.color = NAMES[code - 90];
    } else if (code >= 100 && code <= 107) {
      style.background = NAMES[code - 100];
    }
  }
  return style;
}

function extended(codes: number[]): [color: string | null, used: number] {
  if (codes[0] === 2) {
    return [hex(codes.slice(1, 4)), 4];
  }
  if (codes[0] !== 5) {
    return [null, 0];
  }
  const index = codes[1];
  if (!(index >= 0 && index <= 255)) {
    return [null, 2];
  }
  if (index < 16) {
    return [NAMES[index % 8], 2];
  }
  if (index >= 232) {
    return [hex(Array(3).fill(8 + (index - 232) * 10)), 2];
  }
  const cube = index - 16;
  const level = (n: number): number => (n ? 55 + n * 40 : 0);
  return [hex([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]), 2];
}

function hex(rgb: number[]): string | null {
  const isColor = rgb.length === 3 && rgb.every(n => n >= 0 && n <= 255);
  return isColor ? '#' + rgb.map(n => n.toString(16).padStart(2, '0')).join('') : null;
}
