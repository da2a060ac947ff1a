// The files that a job left, with previews. A file's content is untrusted: pictures are drawn by <img>, which runs no
// script, and everything else is shown as text.

import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { parseTable } from '../csv';
import { oneLine, size } from '../format';
import { useLoaded } from '../hooks';
import { fromNetpbm } from '../netpbm';
import { Artifact, Job } from '../protocol';
import { Api, fetchHead, filePath } from '../restapi';

const HEAD_BYTES = 64 * 1024;
const TABLE_ROWS = 100;
const IMAGE = /^image\/(png|jpeg|gif|webp|bmp|avif)$/;
const NETPBM = /\.p[pgn]m$/i;
const IMAGE_BYTES = 20_000_000;

interface Props {
  api: Api;
  job: Job;
  trans: TranslationBundle;
}

export function Files({ api, job, trans }: Props): JSX.Element {
  const files = [...(job.result?.artifacts ?? [])].sort((a, b) => Number(isOwn(a)) - Number(isOwn(b)));
  const [open, setOpen] = React.useState<string | null>(
    (files.find(isImage) ?? files.find(file => !isOwn(file)))?.path ?? null
  );
  if (!files.length) {
    const text = job.result ? trans.__('It left no files.') : trans.__('Files appear when the job has ended.');
    return <div className="tr-Empty">{text}</div>;
  }
  const shown = files.find(file => file.path === open);
  return (
    <div className="tr-Files">
      <ul aria-label={trans.__('Files')}>
        {files.map(file => (
          <li key={file.path} data-file={file.path}>
            <button className="tr-Files-name" aria-pressed={file.path === open} onClick={() => setOpen(file.path)}>
              <span>{oneLine(file.path)}</span>
              <span className="tr-Dim">{size(file.size_bytes)}</span>
            </button>
            <a
              className="tr-Button"
              href={api.href(filePath(job.id, file.path))}
              download={file.path.split('/').pop()}
              aria-label={trans.__('Download %1', oneLine(file.path))}
              title={trans.__('Download')}
            >
              ↓
            </a>
          </li>
        ))}
      </ul>
      {shown && <Preview key={shown.path} api={api} job={job} file={shown} trans={trans} />}
    </div>
  );
}

function isOwn(file: Artifact): boolean {
  return file.kind === 'asm';
}

function isImage(file: Artifact): boolean {
  return (IMAGE.test(file.media_type ?? '') || isNetpbm(file)) && file.size_bytes <= IMAGE_BYTES;
}

function isNetpbm(file: Artifact): boolean {
  return NETPBM.test(file.path);
}

function Preview({ api, job, file, trans }: Props & { file: Artifact }): JSX.Element {
  const path = filePath(job.id, file.path);
  if (isImage(file)) {
    return isNetpbm(file) ? (
      <Drawing api={api} path={path} file={file} trans={trans} />
    ) : (
      <figure className="tr-Preview">
        <img src={api.href(path)} alt={oneLine(file.path)} />
        <figcaption className="tr-Dim">{oneLine(file.path)}</figcaption>
      </figure>
    );
  }
  return <TextPreview api={api} path={path} file={file} trans={trans} />;
}

interface Shown {
  api: Api;
  path: string;
  file: Artifact;
  trans: TranslationBundle;
}

/** A picture that the browser cannot show by itself. */
function Drawing(props: Shown): JSX.Element {
  const { api, path, file, trans } = props;
  const canvas = React.useRef<HTMLCanvasElement>(null);
  const whole = useLoaded(signal => fetchHead(api, path, IMAGE_BYTES, signal), [path]);
  const bytes = whole.state === 'ready' ? whole.value : null;
  const picture = React.useMemo(() => bytes && fromNetpbm(bytes), [bytes]);
  React.useEffect(() => {
    if (picture) {
      const { width, height, rgba } = picture;
      canvas.current?.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
    }
  }, [picture]);
  if (whole.state !== 'ready') {
    return <div className="tr-Empty">{whole.state === 'loading' ? trans.__('loading …') : whole.message}</div>;
  }
  if (!picture) {
    return <TextPreview {...props} />;
  }
  return (
    <figure className="tr-Preview">
      <canvas ref={canvas} role="img" aria-label={oneLine(file.path)} width={picture.width} height={picture.height} />
      <figcaption className="tr-Dim">{oneLine(file.path)}</figcaption>
    </figure>
  );
}

function TextPreview(props: Shown): JSX.Element {
  const { api, path, file, trans } = props;
  const head = useLoaded(signal => fetchHead(api, path, HEAD_BYTES, signal), [path]);
  if (head.state !== 'ready') {
    return <div className="tr-Empty">{head.state === 'loading' ? trans.__('loading …') : head.message}</div>;
  }
  const bytes = head.value;
  if (bytes.subarray(0, 8000).includes(0)) {
    return <div className="tr-Empty">{trans.__('Binary; download it to look at it.')}</div>;
  }
  const text = new TextDecoder().decode(bytes);
  const isCut = file.size_bytes > bytes.length;
  const separator = /\.csv$/i.test(file.path) ? ',' : /\.tsv$/i.test(file.path) ? '\t' : null;
  return (
    <div className="tr-Preview">
      {separator ? <Table rows={parseTable(text, separator, TABLE_ROWS + 1)} /> : <pre>{text}</pre>}
      {isCut && <div className="tr-Dim">{trans.__('Only the beginning is shown.')}</div>}
    </div>
  );
}

function Table({ rows: [head, ...body] }: { rows: string[][] }): JSX.Element {
  return (
    <div className="tr-Scroll">
      <table className="tr-Table">
        <thead>
          <tr>
            {(head ?? []).map((cell, index) => (
              <th key={index} scope="col">
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
