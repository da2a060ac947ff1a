// Pictures that browsers do not show: PPM and PGM, as programs write them.

export interface Pixels {
  width: number;
  height: number;
  rgba: Uint8ClampedArray;
}

const HEADER = /^(P[2356])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s/;
const HEADER_BYTES = 1000;
const MOST_PIXELS = 16_000_000;

/** The picture in a file, null for anything else, or where it is cut or too large. */
export function fromNetpbm(file: Uint8Array): Pixels | null {
  const header = HEADER.exec(latin1(file.subarray(0, HEADER_BYTES)));
  if (!header) {
    return null;
  }
  const [width, height, highest] = header.slice(2).map(Number);
  const channels = header[1] === 'P3' || header[1] === 'P6' ? 3 : 1;
  if (!width || !height || width * height > MOST_PIXELS || highest < 1 || highest > 65535) {
    return null;
  }
  const body = file.subarray(header[0].length);
  const samples = header[1] < 'P4' ? textSamples(body) : rawSamples(body, highest > 255);
  if (samples.length < width * height * channels) {
    return null;
  }
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const sample = samples[channels === 3 ? 3 * pixel + channel : pixel];
      rgba[4 * pixel + channel] = (sample * 255) / highest;
    }
    rgba[4 * pixel + 3] = 255;
  }
  return { width, height, rgba };
}

function rawSamples(body: Uint8Array, isWide: boolean): ArrayLike<number> {
  if (!isWide) {
    return body;
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return Uint16Array.from({ length: body.length >> 1 }, (_, index) => view.getUint16(2 * index));
}

function textSamples(body: Uint8Array): ArrayLike<number> {
  const words = latin1(body)
    .replace(/#[^\n]*/g, '')
    .match(/\d+/g);
  return Uint16Array.from(words ?? [], Number);
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}
