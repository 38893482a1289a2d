/** Norms and word vectors as Python packed them, and norms as rows of named features. Pure functions. */

/**
 * Norms of which most cells are 0: the named features of word i are at `start[i]` up to `start[i + 1]`.
 *
 * @typedef {object} Rows
 * @property {number} m how many features there are
 * @property {Int32Array} start
 * @property {Int32Array} column
 * @property {Float64Array} value
 */
/**
 * @typedef {object} World
 * @property {number} n words
 * @property {number} p dimensions
 * @property {Uint8Array} vectors (dimension, word)
 * @property {Rows} norms
 * @property {Int32Array} folds of each word, from 0 on
 * @property {Int32Array} kinds the category of each word, from 0 on; -1 for none
 * @property {number} penalty
 */

/**
 * Return a world from the bytes that a figure carries.
 *
 * @param {{ n: number, p: number, m: number, folds: number[], kinds: number[], penalty: number }} meta
 * @param {Uint8Array} vectors
 * @param {Uint8Array} cells a count for each word, then columns of two bytes, then strengths
 * @returns {World}
 */
export function worldOf(meta, vectors, cells) {
  const { n, p, m } = meta;
  const start = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) start[i + 1] = start[i] + cells[2 * i] + 256 * cells[2 * i + 1];
  const filled = start[n];
  if (vectors.length !== n * p || cells.length !== 2 * n + 3 * filled || meta.folds.length !== n)
    throw new Error(`expected vectors of ${n} x ${p} and norms of ${n} words`);
  const column = new Int32Array(filled),
    value = new Float64Array(filled);
  for (let c = 0; c < filled; c++) {
    column[c] = cells[2 * n + 2 * c] + 256 * cells[2 * n + 2 * c + 1];
    value[c] = cells[2 * n + 2 * filled + c];
    if (column[c] >= m) throw new Error(`expected ${m} features, found number ${column[c]}`);
  }
  return {
    n,
    p,
    vectors,
    norms: { m, start, column, value },
    folds: Int32Array.from(meta.folds),
    kinds: Int32Array.from(meta.kinds),
    penalty: meta.penalty,
  };
}

/**
 * Return rows from cells in any order, each given once.
 *
 * @param {number} n
 * @param {number} m
 * @param {ArrayLike<number>} word
 * @param {ArrayLike<number>} feature
 * @param {ArrayLike<number>} strength
 * @returns {Rows}
 */
export function rowsOf(n, m, word, feature, strength) {
  const start = new Int32Array(n + 1);
  for (let c = 0; c < word.length; c++) start[word[c] + 1]++;
  for (let i = 0; i < n; i++) start[i + 1] += start[i];
  const next = start.slice(0, n),
    column = new Int32Array(word.length),
    value = new Float64Array(word.length);
  for (let c = 0; c < word.length; c++) {
    const at = next[word[c]]++;
    column[at] = feature[c];
    value[at] = strength[c];
  }
  return { m, start, column, value };
}

/**
 * Return norms in which word i has the row of word `order[i]`.
 *
 * @param {Rows} rows
 * @param {ArrayLike<number>} order
 * @returns {Rows}
 */
export function reordered(rows, order) {
  const start = new Int32Array(order.length + 1),
    column = new Int32Array(rows.column.length),
    value = new Float64Array(rows.value.length);
  for (let i = 0; i < order.length; i++) {
    const [from, to] = [rows.start[order[i]], rows.start[order[i] + 1]];
    column.set(rows.column.subarray(from, to), start[i]);
    value.set(rows.value.subarray(from, to), start[i]);
    start[i + 1] = start[i] + to - from;
  }
  return { m: rows.m, start, column, value };
}
