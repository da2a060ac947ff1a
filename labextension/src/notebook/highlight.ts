// `%%telerun` cells in the colours of their language. JupyterLab takes every cell of a Python notebook for Python; here a
// cell's language follows its first line, which the language's own parser gets to see as a comment.

import { EditorExtensionRegistry, IEditorExtensionRegistry, IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { CodeEditor } from '@jupyterlab/codeeditor';
import { Language, LanguageSupport } from '@codemirror/language';
import { Extension, RangeSetBuilder, StateEffect, StateField } from '@codemirror/state';
import { Decoration, DecorationSet, EditorView, MatchDecorator, ViewPlugin, ViewUpdate } from '@codemirror/view';
import { Input, Parser, PartialParse, TreeFragment } from '@lezer/common';

import { CellLanguage, cellLanguage, mask, masked } from '../magicline';

const LANGUAGES: Record<CellLanguage, { mime: string; host: string; displayName: string }> = {
  cpp: { mime: 'text/x-telerun-cpp', host: 'text/x-c++src', displayName: 'C++ and CUDA (Telerun)' },
  py: { mime: 'text/x-telerun-python', host: 'text/x-python', displayName: 'Python (Telerun)' },
  sh: { mime: 'text/x-telerun-shell', host: 'text/x-sh', displayName: 'Shell (Telerun)' }
};
const HEAD = 4000; // signs of a cell that are looked at for its language
const OURS = new Set(Object.values(LANGUAGES).map(({ mime }) => mime));

/** Lines of an editor to mark, from 1; 0 for none. */
export const setHot = StateEffect.define<number>();

/** Sent from a cell's editor when the pointer moves or clicks; `line` is 0 when it leaves. */
export const LINE_EVENT = 'telerun-line';

export interface PointerAt {
  line: number;
  isClick: boolean;
}

class MaskedInput implements Input {
  constructor(
    private _input: Input,
    private _cover: string
  ) {}

  get length(): number {
    return this._input.length;
  }

  get lineChunks(): boolean {
    return this._input.lineChunks;
  }

  chunk(from: number): string {
    return masked(this._cover, from, this._input.chunk(from));
  }

  read(from: number, to: number): string {
    return masked(this._cover, from, this._input.read(from, to));
  }
}

class MagicParser extends Parser {
  constructor(
    private _parser: Parser,
    private _cover: string
  ) {
    super();
  }

  createParse(
    input: Input,
    fragments: readonly TreeFragment[],
    ranges: readonly { from: number; to: number }[]
  ): PartialParse {
    const isMagic = input.read(0, Math.min(2, input.length)) === '%%';
    return this._parser.createParse(isMagic ? new MaskedInput(input, this._cover) : input, fragments, ranges);
  }
}

const cudaWords = decorated(
  /\b(?:__(?:global|device|host|shared|constant|managed|restrict|launch_bounds|syncthreads|syncwarp)__|(?:thread|block)Idx|(?:block|grid)Dim|warpSize|dim3|cuda[A-Z]\w*)\b/g,
  'tr-cm-cuda'
);

function decorated(regexp: RegExp, className: string): Extension {
  const matcher = new MatchDecorator({ regexp, decoration: Decoration.mark({ class: className }) });
  return ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;

      constructor(view: EditorView) {
        this.decorations = matcher.createDeco(view);
      }

      update(update: ViewUpdate): void {
        this.decorations = matcher.updateDeco(update, this.decorations);
      }
    },
    { decorations: plugin => plugin.decorations }
  );
}

const magicLine = EditorView.decorations.compute(['doc'], state => {
  const builder = new RangeSetBuilder<Decoration>();
  if (state.doc.line(1).text.startsWith('%%')) {
    builder.add(0, 0, Decoration.line({ class: 'tr-cm-magic' }));
  }
  return builder.finish();
});

const hotLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (marks, transaction) => {
    for (const effect of transaction.effects) {
      if (effect.is(setHot)) {
        const { doc } = transaction.state;
        if (effect.value < 1 || effect.value > doc.lines) {
          return Decoration.none;
        }
        return Decoration.set([Decoration.line({ class: 'tr-cm-hot' }).range(doc.line(effect.value).from)]);
      }
    }
    return marks.map(transaction.changes);
  },
  provide: field => EditorView.decorations.from(field)
});

const pointer = EditorView.domEventHandlers({
  mousemove: (event, view) => tell(view, event),
  mousedown: (event, view) => tell(view, event, true),
  mouseleave: (_, view) => tell(view, null)
});

function tell(view: EditorView, event: MouseEvent | null, isClick = false): void {
  const position = event && view.posAtCoords({ x: event.clientX, y: event.clientY });
  const line = position === null ? 0 : view.state.doc.lineAt(position).number;
  const detail: PointerAt = { line, isClick };
  view.dom.dispatchEvent(new CustomEvent(LINE_EVENT, { bubbles: true, detail }));
}

/** Keeps a cell's type in step with its first line, as long as its editor lives. */
class MimeTypeOfMagic {
  constructor(private _model: CodeEditor.IModel) {
    _model.mimeTypeChanged.connect(this._check, this); // the notebook sets it anew with each kernel
    _model.sharedModel.changed.connect(this._check, this);
    window.setTimeout(() => this._check(), 0);
  }

  destroy(): void {
    this._isDestroyed = true;
    this._model.mimeTypeChanged.disconnect(this._check, this);
    this._model.sharedModel.changed.disconnect(this._check, this);
  }

  private _check(): void {
    if (this._isDestroyed || this._model.isDisposed) {
      return;
    }
    const current = this._model.mimeType;
    const language = cellLanguage(this._model.sharedModel.getSource().slice(0, HEAD));
    if (!OURS.has(current)) {
      this._plain = current;
    }
    const wanted = language ? LANGUAGES[language].mime : this._plain;
    if (wanted !== current) {
      this._model.mimeType = wanted;
    }
  }

  private _plain = 'text/x-ipython';
  private _isDestroyed = false;
}

export function addLanguages(languages: IEditorLanguageRegistry, extensions: IEditorExtensionRegistry): void {
  for (const [id, { mime, host, displayName }] of Object.entries(LANGUAGES) as [
    CellLanguage,
    (typeof LANGUAGES)[CellLanguage]
  ][]) {
    languages.addLanguage({
      name: `telerun-${id}`,
      displayName,
      mime,
      load: async () => {
        const { language } = (await languages.getLanguage(host))!.support!;
        const parser = new MagicParser(language.parser, mask(id));
        const extras = [magicLine, hotLine, pointer, ...(id === 'cpp' ? [cudaWords] : [])];
        return new LanguageSupport(new Language(language.data, parser, [], `telerun-${id}`), extras);
      }
    });
  }
  extensions.addExtension({
    name: 'telerun:magic-language',
    factory: ({ inline, model }) => {
      if (!inline) {
        return null;
      }
      return EditorExtensionRegistry.createImmutableExtension(ViewPlugin.define(() => new MimeTypeOfMagic(model)));
    }
  });
}
