// What every part of the front end needs.

import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { Token } from '@lumino/coreutils';

import { JobsManager } from './manager';

export interface Telerun {
  manager: JobsManager;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

export const ITelerun = new Token<Telerun>('telerun-lab:ITelerun', 'The jobs that Telerun runs for this user.');

export namespace CommandIDs {
  export const openPanel = 'telerun:open-panel';
  export const openJob = 'telerun:open-job';
  export const cancelJob = 'telerun:cancel-job';
  export const runAgain = 'telerun:run-again';
  export const openSource = 'telerun:open-source';
  export const insertJob = 'telerun:insert-job';
  export const showCell = 'telerun:show-cell';
  export const copyCommand = 'telerun:copy-command';
  export const insertMagic = 'telerun:insert-magic';
  export const toggleAsm = 'telerun:toggle-asm';
  export const cancelCell = 'telerun:cancel-cell';
  export const runCell = 'telerun:run-cell';
  export const openExecutors = 'telerun:open-executors';
  export const startLocal = 'telerun:start-local';
  export const submitFile = 'telerun:submit-file';
}
