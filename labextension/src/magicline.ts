// The first line of a `%%telerun` cell: which language follows, and how it is hidden from that language's parser.

export type CellLanguage = 'cpp' | 'py' | 'sh';

const LANGUAGES: Record<string, CellLanguage> = {
  cu: 'cpp',
  cuda: 'cpp',
  cpp: 'cpp',
  'c++': 'cpp',
  cc: 'cpp',
  cxx: 'cpp',
  c: 'cpp',
  py: 'py',
  python: 'py',
  python3: 'py',
  sh: 'sh',
  bash: 'sh',
  shell: 'sh',
  project: 'sh',
  command: 'sh',
  cmd: 'sh'
};

// Options of the magic that stand alone; all others take the word that follows.
const FLAGS = new Set(['--asm', '--compile-only', '--bg', '--no-wait', '--keep-going']);
const MAGIC = /^\s*%%telerun(?=\s|$)/;

/** Words of a line as a shell would see them; an open quote reaches to the end. */
export function words(line: string): string[] {
  const found: string[] = [];
  for (const match of line.matchAll(/(?:[^\s"'\\]|\\.|"(?:\\.|[^"\\])*"?|'[^']*'?)+/g)) {
    found.push(match[0].replace(/\\(.)|["']/g, '$1'));
  }
  return found;
}

export function isMagic(source: string): boolean {
  return MAGIC.test(source.split('\n', 1)[0]);
}

/** The word on the magic's line that names the language, null where the content decides. */
export function languageWord(line: string): string | null {
  const rest = words(line.replace(MAGIC, ''));
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i];
    if (word === '--') {
      return null;
    }
    if (!word.startsWith('-')) {
      return word;
    }
    const hasValueInside = word.startsWith('--') ? word.includes('=') : word.length > 2;
    if (!FLAGS.has(word) && !hasValueInside) {
      i++;
    }
  }
  return null;
}

/** The language in which a cell is highlighted, null for a cell that is none of ours. */
export function cellLanguage(source: string): CellLanguage | null {
  const [line] = source.split('\n', 1);
  if (!MAGIC.test(line)) {
    return null;
  }
  const word = languageWord(line);
  return word === null ? guess(source.slice(line.length + 1)) : (LANGUAGES[word.toLowerCase()] ?? null);
}

/** Whether a text looks like C, C++ or CUDA: what can be run remotely without further words. */
export function looksLikeC(source: string): boolean {
  return /^[ \t]*#[ \t]*include\s*[<"]|\b(?:int|void)\s+main\s*\(|__global__/m.test(source);
}

function guess(body: string): CellLanguage {
  if (/^\s*#!/.test(body)) {
    return /^\s*#!.*python/.test(body) ? 'py' : 'sh';
  }
  const python = body.search(/^[ \t]*(?:import \w|from [\w.]+ import |def \w+\(.*\).*:|print\()/m);
  const c = body.search(/^[ \t]*#[ \t]*include\s*[<"]|\b(?:int|void)\s+main\s*\(/m);
  return python >= 0 && (c < 0 || python < c) ? 'py' : 'cpp';
}

/** The two signs by which the line `%%telerun …` becomes a comment of the same length. */
export function mask(language: CellLanguage): string {
  return language === 'cpp' ? '//' : '##';
}

/** What stands at `from` of a text whose first two signs are covered by `cover`. */
export function masked(cover: string, from: number, text: string): string {
  return from >= cover.length ? text : cover.slice(from, from + text.length) + text.slice(cover.length - from);
}

/** The language of a file by its name, null for one that cannot be submitted. */
export function languageOfFile(path: string): string | null {
  const suffix = /\.([a-z+]+)$/i.exec(path)?.[1].toLowerCase() ?? '';
  const known: Record<string, string> = {
    cu: 'cu',
    cpp: 'cpp',
    cc: 'cpp',
    cxx: 'cpp',
    c: 'c',
    py: 'py',
    sh: 'sh'
  };
  return known[suffix] ?? null;
}

/** The word for the language of a cell that is to become one of ours. */
export function guessedWord(source: string): string {
  const body = guess(source);
  return body !== 'cpp' ? body : /__global__|<<<|\bcuda[A-Z]/.test(source) ? 'cu' : 'cpp';
}

/** A cell's source with a flag on its magic line, or without it where it was there. */
export function withFlag(source: string, flag: string): string {
  const [line, ...rest] = source.split('\n');
  const [before, ...program] = line.split(/(\s--(?:\s|$))/);
  const has = words(before).includes(flag);
  const next = has ? before.replace(new RegExp(`\\s+${flag}(?=\\s|$)`), '') : `${before.trimEnd()} ${flag}`;
  return [next + program.join(''), ...rest].join('\n');
}
