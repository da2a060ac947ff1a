// The framing of a job's log: 1 byte stream, 3 zero bytes, 4 bytes payload length (big endian), payload.

export const SYSTEM = 0;
export const STDOUT = 1;
export const STDERR = 2;
export const COMPILE = 3;
export const STREAMS = [SYSTEM, STDOUT, STDERR, COMPILE] as const;

export const HEADER_BYTES = 8;
const MAX_PAYLOAD_BYTES = 1 << 20;

export interface Frame {
  stream: number;
  payload: Uint8Array;
}

/** A frame with the offset after it. */
export interface PlacedFrame extends Frame {
  end: number;
}

/**
 * Takes a log's bytes in pieces of any size and gives whole frames.
 *
 * `offset` is the position after the last whole frame: where to resume reading after a lost connection.
 */
export class FrameDecoder {
  constructor(public offset = 0) {}

  feed(data: Uint8Array): PlacedFrame[] {
    const bytes = this._rest.length ? concat(this._rest, data) : data;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const frames: PlacedFrame[] = [];
    let position = 0;
    while (bytes.length - position >= HEADER_BYTES) {
      const stream = bytes[position];
      const length = view.getUint32(position + 4);
      if (stream > COMPILE || length > MAX_PAYLOAD_BYTES || (view.getUint32(position) & 0xffffff) !== 0) {
        throw new Error(`Not a log frame at byte ${this.offset}.`);
      }
      const end = position + HEADER_BYTES + length;
      if (end > bytes.length) {
        break;
      }
      this.offset += end - position;
      frames.push({ stream, payload: bytes.subarray(position + HEADER_BYTES, end), end: this.offset });
      position = end;
    }
    this._rest = bytes.slice(position);
    return frames;
  }

  /** Forget a half-read frame: the next bytes will come from `offset`. */
  reset(): void {
    this._rest = new Uint8Array(0);
  }

  private _rest = new Uint8Array(0);
}

export function concat(left: Uint8Array, right: Uint8Array): Uint8Array {
  const joined = new Uint8Array(left.length + right.length);
  joined.set(left);
  joined.set(right, left.length);
  return joined;
}
