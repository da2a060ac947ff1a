// "2 running · 1 queued" in the status bar.

import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { useSignal } from './hooks';
import { counts } from './jobs';
import { CommandIDs, Telerun } from './telerun';

export class StatusItem extends ReactWidget {
  constructor(private _telerun: Telerun) {
    super();
    this.addClass('tr-Status');
  }

  protected render(): JSX.Element {
    return <Item telerun={this._telerun} />;
  }
}

function Item({ telerun }: { telerun: Telerun }): JSX.Element {
  const { manager, trans, commands } = telerun;
  useSignal(manager.changed);
  const { kind } = manager.connection;
  const { running, queued } = counts(manager.jobs);
  const text = {
    live: trans.__('%1 running · %2 queued', running, queued),
    connecting: trans.__('Telerun …'),
    unconfigured: trans.__('Telerun: no server'),
    unreachable: trans.__('Telerun: unreachable'),
    absent: trans.__('Telerun: not enabled')
  }[kind];
  return (
    <button
      className="tr-Status-button"
      data-connection={kind}
      title={trans.__('Show the Telerun jobs')}
      onClick={() => void commands.execute(CommandIDs.openPanel)}
    >
      {text}
    </button>
  );
}
