// Logs to test with.

export function frame(stream: number, payload: string | Uint8Array): Uint8Array {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  const made = new Uint8Array(8 + bytes.length);
  made[0] = stream;
  new DataView(made.buffer).setUint32(4, bytes.length);
  made.set(bytes, 8);
  return made;
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
