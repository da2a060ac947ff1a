// What the languages of jobs are called.

import { Language } from './protocol';

const LANGUAGES: Record<Language, string> = {
  cu: 'CUDA',
  cpp: 'C++',
  c: 'C',
  py: 'Python',
  sh: 'Shell',
  project: 'Project',
  command: 'Command'
};

export function languageLabel(language: Language): string {
  return LANGUAGES[language] ?? language;
}
