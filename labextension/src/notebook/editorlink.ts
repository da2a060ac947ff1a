// Links a job's assembly with the lines of the cell that made it.

import { INotebookTracker } from '@jupyterlab/notebook';
import { EditorView } from '@codemirror/view';

import type { EditorLink } from '../jobview/jobview';
import { Job } from '../protocol';
import { cellOf } from './cells';
import { LINE_EVENT, PointerAt, setHot } from './highlight';

export function editorLink(tracker: INotebookTracker, job: Job): EditorLink | null {
  const place = cellOf(tracker, job);
  if (!place) {
    return null;
  }
  const { cell } = place;
  const offset = job.spec.line_offset ?? 0; // the magic's line is not in the source
  return {
    highlight: line => {
      const editor = cell.node.querySelector<HTMLElement>('.jp-InputArea .cm-editor');
      const view = editor && EditorView.findFromDOM(editor);
      view?.dispatch({ effects: setHot.of(line ? line + offset : 0) });
    },
    connect: hear => {
      const heard = (event: Event): void => {
        const { line, isClick } = (event as CustomEvent<PointerAt>).detail;
        hear(Math.max(0, line - offset), isClick);
      };
      cell.node.addEventListener(LINE_EVENT, heard);
      return () => cell.node.removeEventListener(LINE_EVENT, heard);
    }
  };
}
