// Finding and making cells in the notebooks that are open.

import { PageConfig } from '@jupyterlab/coreutils';
import { Cell } from '@jupyterlab/cells';
import { INotebookTracker, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

import { Job } from '../protocol';

export interface Place {
  panel: NotebookPanel;
  cell: Cell;
}

/** The cell that made a job, null where its notebook is not open or the cell is gone. */
export function cellOf(tracker: INotebookTracker, job: Job): Place | null {
  const id = job.spec.cell_id;
  let found: Place | null = null;
  tracker.forEach(panel => {
    const cell = panel.content.widgets.find(widget => id && widget.model.id === id);
    if (cell) {
      found = { panel, cell };
    }
  });
  return found;
}

/** Whether a person can see the cell now. */
export function isOnScreen({ panel, cell }: Place): boolean {
  if (!panel.isVisible || document.hidden || !cell.node.isConnected) {
    return false;
  }
  const inner = cell.node.getBoundingClientRect();
  const outer = panel.content.node.getBoundingClientRect();
  return inner.height > 0 && inner.bottom > outer.top && inner.top < outer.bottom;
}

/** A new code cell below the active one, made active. */
export function insertCell(panel: NotebookPanel, source: string): void {
  const notebook = panel.content;
  NotebookActions.insertBelow(notebook);
  NotebookActions.changeCellType(notebook, 'code');
  notebook.activeCell?.model.sharedModel.setSource(source);
  notebook.mode = 'edit';
}

/** The path of a notebook for Jupyter: jobs know the one on disk. Null where it lies outside Jupyter's root. */
export function contentsPath(notebook: string): string | null {
  if (!notebook.startsWith('/')) {
    return notebook;
  }
  const root = PageConfig.getOption('serverRoot').replace(/\/+$/, '');
  if (root.startsWith('~')) {
    const tail = root.slice(1) + '/';
    const at = notebook.indexOf(tail);
    return at >= 0 ? notebook.slice(at + tail.length) : null;
  }
  return notebook.startsWith(root + '/') ? notebook.slice(root.length + 1) : null;
}
