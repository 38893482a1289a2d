/** Norms drawn anew, as `explaint_lib.controls` draws them, from a seed that the page shows. Pure functions. */

import { reordered, rowsOf } from "./nulls_data.js";

/**
 * @typedef {import("./nulls_data.js").Rows} Rows
 * @typedef {import("./nulls_data.js").World} World
 * @typedef {() => number} Random from 0 up to, and without, 1
 */

const TRADES_PER_WORD = 15; // as controls.curveball

/**
 * Return a stream of random numbers of its own for each draw of a seed (mulberry32).
 *
 * @param {number} seed
 * @param {number} draw
 * @returns {Random}
 */
export function randomOf(seed, draw) {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(draw + 1, 0x85ebca6b)) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 4; i++) next(); // neighbouring seeds begin alike
  return next;
}

/**
 * Shuffle the first entries, or all, in place.
 *
 * @template {Int32Array | Float64Array | number[] | boolean[]} List
 * @param {List} list
 * @param {Random} random
 * @param {number} first how many at the front are to be a random choice in random order
 */
export function shuffle(list, random, first = list.length) {
  for (let i = 0; i < Math.min(first, list.length - 1); i++) {
    const j = i + Math.floor(random() * (list.length - i));
    const kept = list[i];
    list[i] = list[j];
    list[j] = kept;
  }
  return list;
}

/** @param {number} n */
const upTo = (n) => Int32Array.from({ length: n }, (_, i) => i);

/**
 * Return the strengths of each feature.
 *
 * @param {Rows} rows
 */
function strengthsOf(rows) {
  /** @type {number[][]} */
  const lists = Array.from({ length: rows.m }, () => []);
  rows.column.forEach((feature, c) => {
    lists[feature].push(rows.value[c]);
  });
  return lists;
}

/**
 * Return norms in which each feature belongs to as many words, drawn for it alone.
 *
 * @param {World} world
 * @param {Random} random
 */
function shuffledColumns({ n, norms }, random) {
  const words = upTo(n);
  /** @type {[number[], number[], number[]]} */
  const [word, feature, strength] = [[], [], []];
  strengthsOf(norms).forEach((values, f) => {
    shuffle(words, random, values.length);
    values.forEach((value, i) => {
      word.push(words[i]);
      feature.push(f);
      strength.push(value);
    });
  });
  return rowsOf(n, norms.m, word, feature, strength);
}

/**
 * Return an order in which words change places within their category.
 *
 * @param {Int32Array} kinds
 * @param {Random} random
 */
function orderWithin(kinds, random) {
  const order = upTo(kinds.length);
  for (const kind of new Set(kinds)) {
    if (kind < 0) continue;
    const members = [...order.keys()].filter((i) => kinds[i] === kind);
    const dealt = shuffle([...members], random);
    for (let i = 0; i < members.length; i++) order[members[i]] = dealt[i];
  }
  return order;
}

/**
 * Return norms rewired by the curveball algorithm (Strona et al. 2014).
 *
 * @param {World} world
 * @param {Random} random
 */
function rewired({ n, norms }, random) {
  const owned = Array.from({ length: n }, (_, i) => norms.column.slice(norms.start[i], norms.start[i + 1]).sort());
  for (let trade = 0; trade < TRADES_PER_WORD * n; trade++) {
    const a = Math.floor(random() * n),
      b = (a + 1 + Math.floor(random() * (n - 1))) % n;
    const [mine, other] = [owned[a], owned[b]];
    const both = [],
      pool = [];
    let only = 0;
    for (let i = 0, j = 0; i < mine.length || j < other.length; ) {
      if (j === other.length || mine[i] < other[j]) {
        pool.push(mine[i++]);
        only++;
      } else if (i === mine.length || other[j] < mine[i]) pool.push(other[j++]);
      else {
        both.push(mine[i++]);
        j++;
      }
    }
    if (only === 0 || only === pool.length) continue;
    shuffle(pool, random, only);
    owned[a] = Int32Array.from([...both, ...pool.slice(0, only)]).sort();
    owned[b] = Int32Array.from([...both, ...pool.slice(only)]).sort();
  }
  const left = strengthsOf(norms).map((values) => shuffle(values, random));
  /** @type {[number[], number[], number[]]} */
  const [word, feature, strength] = [[], [], []];
  owned.forEach((features, i) => {
    for (const f of features) {
      word.push(i);
      feature.push(f);
      strength.push(Number(left[f].pop()));
    }
  });
  return rowsOf(n, norms.m, word, feature, strength);
}

/**
 * Return norms whose filled cells stand anywhere.
 *
 * @param {World} world
 * @param {Random} random
 */
function randomCells({ n, norms }, random) {
  /** @type {Set<number>} */
  const cells = new Set();
  while (cells.size < norms.value.length) cells.add(Math.floor(random() * n * norms.m));
  const places = [...cells].sort((a, b) => a - b);
  const strength = shuffle(norms.value.slice(), random);
  return rowsOf(
    n,
    norms.m,
    places.map((place) => Math.floor(place / norms.m)),
    places.map((place) => place % norms.m),
    strength,
  );
}

/**
 * How one draw of each control is made.
 *
 * @type {Record<string, (world: World, random: Random) => Rows>}
 */
export const DRAWS = {
  shuffled: shuffledColumns,
  permuted_pairing: ({ n, norms }, random) => reordered(norms, shuffle(upTo(n), random)),
  permuted_within: ({ kinds, norms }, random) => reordered(norms, orderWithin(kinds, random)),
  rewired,
  random: randomCells,
};
