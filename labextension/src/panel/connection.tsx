// What is said while the queue server cannot be heard, and what to do about it.

import * as React from 'react';

import { CommandIDs, Telerun } from '../telerun';

export function ConnectionNotice({ telerun }: { telerun: Telerun }): JSX.Element | null {
  const { manager, trans, commands } = telerun;
  const connection = manager.connection;
  switch (connection.kind) {
    case 'connecting':
      return (
        <div className="tr-Notice" role="status" data-connection="connecting">
          {trans.__('Connecting …')}
        </div>
      );
    case 'live':
      return connection.notices.length ? (
        <div className="tr-Notice" role="status" data-connection="live" data-tone="warn">
          {connection.notices.map(notice => (
            <div key={notice}>{notice}</div>
          ))}
        </div>
      ) : null;
  }
  const titles = {
    unreachable: trans.__('The queue server does not answer'),
    unconfigured: trans.__('No queue server yet'),
    absent: trans.__("Telerun's part of the Jupyter server is missing")
  };
  return (
    <div className="tr-Notice" role="status" data-connection={connection.kind} data-tone="warn">
      <strong>{titles[connection.kind]}</strong>
      {connection.url && <code>{connection.url}</code>}
      <div>{connection.message}</div>
      {connection.hint && <div>{connection.hint}</div>}
      {connection.kind === 'unreachable' && <div>{trans.__('It is tried again by itself.')}</div>}
      {connection.kind === 'absent' && (
        <div>
          {trans.__('Enable it with “jupyter server extension enable telerun_labextension”, then restart Jupyter.')}
        </div>
      )}
      <div className="tr-Notice-actions">
        {connection.kind === 'unconfigured' && (
          <button className="tr-Button" onClick={() => void commands.execute(CommandIDs.startLocal)}>
            {trans.__('Start a local server')}
          </button>
        )}
        <button className="tr-Button" onClick={() => manager.reconnect()}>
          {trans.__('Try now')}
        </button>
      </div>
    </div>
  );
}
