// Which jobs the sidebar shows.

import * as React from 'react';

import { Filter, STATE_FILTERS, StateFilter, counts, notebooks } from '../jobs';
import { notebookLabel } from '../labels';
import { CommandIDs, Telerun } from '../telerun';

interface Props {
  telerun: Telerun;
  filter: Filter;
  isGrouped: boolean;
  onFilter: (filter: Filter) => void;
  onGrouped: (isGrouped: boolean) => void;
}

export function FilterBar({ telerun, filter, isGrouped, onFilter, onGrouped }: Props): JSX.Element {
  const { manager, trans, commands } = telerun;
  const { jobs } = manager;
  const { running, queued } = counts(jobs);
  const books = React.useMemo(() => notebooks(jobs), [jobs]);
  const states: Record<StateFilter, string> = {
    all: trans.__('All states'),
    active: trans.__('Running or queued'),
    succeeded: trans.__('Succeeded'),
    failed: trans.__('Failed'),
    cancelled: trans.__('Cancelled')
  };
  return (
    <div className="tr-Filter">
      <div className="tr-Filter-title">
        <h2>{trans.__('Telerun')}</h2>
        <span className="tr-Dim" data-testid="counts">
          {trans.__('%1 running · %2 queued', running, queued)}
        </span>
      </div>
      <input
        type="search"
        className="tr-Input"
        placeholder={trans.__('Search jobs')}
        aria-label={trans.__('Search jobs')}
        value={filter.text}
        onChange={event => onFilter({ ...filter, text: event.target.value })}
      />
      <div className="tr-Filter-row">
        <select
          className="tr-Select"
          aria-label={trans.__('State')}
          value={filter.state}
          onChange={event => onFilter({ ...filter, state: event.target.value as StateFilter })}
        >
          {STATE_FILTERS.map(state => (
            <option key={state} value={state}>
              {states[state]}
            </option>
          ))}
        </select>
        <select
          className="tr-Select"
          aria-label={trans.__('Notebook')}
          value={filter.notebook ?? '*'}
          onChange={event => onFilter({ ...filter, notebook: event.target.value === '*' ? null : event.target.value })}
        >
          <option value="*">{trans.__('All notebooks')}</option>
          {books.map(notebook => (
            <option key={notebook} value={notebook} title={notebook}>
              {notebookLabel(notebook, trans)}
            </option>
          ))}
        </select>
      </div>
      <div className="tr-Filter-row">
        <label className="tr-Check">
          <input type="checkbox" checked={isGrouped} onChange={event => onGrouped(event.target.checked)} />
          {trans.__('Group by notebook')}
        </label>
        <button className="tr-Button" onClick={() => void commands.execute(CommandIDs.openExecutors)}>
          {trans.__('Executors')}
        </button>
      </div>
    </div>
  );
}
