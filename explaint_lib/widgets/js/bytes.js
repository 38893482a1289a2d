/** Bytes as Python packed them: text of 85 digits, a zlib stream, small whole numbers four to a byte. */

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=.?@^_`{|}~";
const VALUES = new Map([...DIGITS].map((character, i) => [character, i]));

/**
 * Return the bytes of a text: the inverse of `_base.text85`.
 *
 * Five digits are four bytes; what is missing from the last five was padding.
 *
 * @param {string} text
 */
export function bytes85(text) {
  const count = Math.ceil(text.length / 5);
  const out = new DataView(new ArrayBuffer(4 * count));
  const padded = text.padEnd(5 * count, "~");
  for (let i = 0; i < count; i++) {
    let number = 0;
    for (let j = 5 * i; j < 5 * i + 5; j++) number = 85 * number + (VALUES.get(padded[j]) ?? NaN);
    if (!(number < 2 ** 32)) throw new Error("the compressed data is damaged");
    out.setUint32(4 * i, number);
  }
  return new Uint8Array(out.buffer, 0, 4 * count - (padded.length - text.length));
}

/**
 * @param {ArrayBuffer | ArrayBufferView<ArrayBuffer>} value as the page, or a kernel's message, holds it
 */
export const asBytes = (value) =>
  value instanceof ArrayBuffer
    ? new Uint8Array(value)
    : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);

/**
 * @param {ArrayBuffer | ArrayBufferView<ArrayBuffer>} value a zlib stream
 */
export async function inflate(value) {
  if (typeof DecompressionStream === "undefined")
    throw new Error("this browser is too old: it has no DecompressionStream");
  const stream = new Blob([asBytes(value)]).stream().pipeThrough(new DecompressionStream("deflate"));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Error("the compressed data is damaged"); // the browser's own words would be "failed to fetch"
  }
}

/**
 * Return the numbers that `_base.pack_small` packed: 2 bits a cell, 3 = one byte more in the overflow.
 *
 * @param {ArrayBuffer | ArrayBufferView<ArrayBuffer>} value
 * @param {number} count
 */
export async function unpackSmall(value, count) {
  const raw = await inflate(value);
  const out = new Uint8Array(count);
  const bytes = Math.ceil(count / 4);
  let over = bytes;
  for (let i = 0; i < bytes; i++) {
    if (raw[i] === 0) continue; // most bytes of a long text
    for (let j = 0; j < 4; j++) {
      const low = (raw[i] >> (2 * j)) & 3;
      if (low) out[4 * i + j] = low < 3 ? low : 3 + raw[over++];
    }
  }
  if (over !== raw.length) throw new Error(`expected ${over} bytes of payload, found ${raw.length}`);
  return out;
}
