// How to run a file: asked for in a dialog.

import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Options } from './restapi';

const LANGUAGES: [string, string][] = [
  ['cu', 'CUDA'],
  ['cpp', 'C++'],
  ['c', 'C'],
  ['py', 'Python'],
  ['sh', 'Shell'],
  ['project', 'Project']
];

class Form extends ReactWidget {
  constructor(
    private _options: Options,
    private _isFolder: boolean,
    private _trans: TranslationBundle
  ) {
    super();
    this.addClass('tr-Form');
  }

  getValue(): Options {
    return this._options;
  }

  protected render(): JSX.Element {
    const trans = this._trans;
    const set = (change: Partial<Options>): void => {
      this._options = { ...this._options, ...change };
      this.update();
    };
    const text = (key: 'args' | 'flags' | 'time' | 'memory' | 'device' | 'name', label: string, example: string) => (
      <label>
        {label}
        <input
          className="tr-Input"
          value={this._options[key] ?? ''}
          placeholder={example}
          onChange={event => set({ [key]: event.target.value || undefined })}
        />
      </label>
    );
    return (
      <>
        <label>
          {trans.__('Language')}
          <select
            className="tr-Select"
            value={this._options.language}
            onChange={event => set({ language: event.target.value })}
          >
            {LANGUAGES.map(([id, name]) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {text('args', trans.__('Arguments of the program'), '1000 --verbose')}
        {text('flags', trans.__('Flags for the compiler'), '-O3')}
        {text('time', trans.__('Time limit'), '30s')}
        {text('memory', trans.__('Memory limit'), '2GB')}
        {text('device', trans.__('Device'), 'h100')}
        {text('name', trans.__('Name'), '')}
        <label className="tr-Check">
          <input
            type="checkbox"
            checked={this._options.asm ?? false}
            onChange={event => set({ asm: event.target.checked || undefined })}
          />
          {trans.__('Show its assembly')}
        </label>
        {this._isFolder && (
          <div className="tr-Dim">
            {trans.__(
              'All its files are sent, but for version control, notebook checkpoints, __pycache__ and what a .telerunignore there names.'
            )}
          </div>
        )}
      </>
    );
  }
}

/** The options that a person chose for a file or a folder, null where they thought better of it. */
export async function askOptions(
  path: string,
  isFolder: boolean,
  first: Options,
  trans: TranslationBundle
): Promise<Options | null> {
  const { button, value } = await showDialog({
    title: trans.__('Run %1 on Telerun', path.split('/').pop()),
    body: new Form(first, isFolder, trans),
    focusNodeSelector: 'select',
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Run') })]
  });
  return button.accept ? value : null;
}
