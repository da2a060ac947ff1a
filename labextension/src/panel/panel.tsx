// The sidebar: the user's jobs, live.

import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { useSignal } from '../hooks';
import { telerunIcon } from '../icons';
import { Filter } from '../jobs';
import { Telerun } from '../telerun';
import { ConnectionNotice } from './connection';
import { FilterBar } from './filterbar';
import { JobList } from './joblist';

export class JobsPanel extends ReactWidget {
  constructor(private _telerun: Telerun) {
    super();
    this.id = 'telerun-panel';
    this.addClass('tr-Panel');
    this.title.icon = telerunIcon;
    this.title.caption = _telerun.trans.__('Telerun jobs');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this.title.caption);
  }

  protected render(): JSX.Element {
    return <Panel telerun={this._telerun} />;
  }
}

function Panel({ telerun }: { telerun: Telerun }): JSX.Element {
  const { manager } = telerun;
  useSignal(manager.changed);
  const [filter, setFilter] = React.useState<Filter>({ text: '', state: 'all', notebook: null });
  const [isGrouped, setGrouped] = React.useState(false);
  return (
    <>
      <FilterBar telerun={telerun} filter={filter} isGrouped={isGrouped} onFilter={setFilter} onGrouped={setGrouped} />
      <ConnectionNotice telerun={telerun} />
      <JobList telerun={telerun} filter={filter} isGrouped={isGrouped} />
    </>
  );
}
