/** Where a reader is in a figure, and where a key of the keyboard leads to. Pure functions. */

/** @typedef {import("./types.d.ts").Spot} Spot */

/** @type {Spot} */
export const NONE = { q: null, k: null };

/**
 * @param {Spot | null} a
 * @param {Spot | null} b
 */
export const sameSpot = (a, b) => a === b || (a !== null && b !== null && a.q === b.q && a.k === b.k);

/**
 * Return where a key leads in a map of `n` tokens; null for a key that leads nowhere.
 *
 * @param {Spot} spot where the reader is; among links one of `q` and `k` is null
 * @param {string} key
 * @param {number} n
 * @param {boolean} matrix whether the map is drawn as a matrix, else as links
 * @returns {Spot | null}
 */
export function nextSpot(spot, key, n, matrix) {
  /** @type {Record<string, number>} */
  const steps = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1, Home: -n, End: n };
  if (!Object.hasOwn(steps, key)) return null;
  const step = steps[key];
  const upright = /Up|Down|Home|End/.test(key);
  const move = (/** @type {number | null} */ i) => Math.max(0, Math.min(n - 1, Number(i) + step));
  if (matrix) return upright ? { ...spot, q: move(spot.q) } : { ...spot, k: move(spot.k) };
  const side = spot.q === null ? "k" : "q";
  if (upright) return { ...spot, [side]: move(spot[side]) };
  return { ...spot, q: null, k: null, [step > 0 ? "k" : "q"]: spot[side] }; // across, to the same token on the other side
}

/**
 * Return the number of the head that a key leads to in a grid of heads; null for a key that is none of the grid's.
 *
 * At an edge it stays where it is.
 *
 * @param {number} chosen
 * @param {string} key
 * @param {number} heads in a row
 * @param {number} count of all
 */
export function nextHead(chosen, key, heads, count) {
  /** @type {Record<string, number>} */
  const steps = { ArrowDown: heads, ArrowUp: -heads, ArrowRight: 1, ArrowLeft: -1 };
  if (!Object.hasOwn(steps, key)) return null;
  const next = chosen + steps[key];
  return next >= 0 && next < count ? next : chosen;
}

/**
 * Return the list and the place in it that a key leads to, up and down within a list, left and right between lists;
 * null for a key that is none of these. What lies outside of all lists is no place of any.
 *
 * @param {number} list
 * @param {number} place
 * @param {string} key
 * @param {readonly number[]} lengths of the lists
 * @returns {[number, number] | null}
 */
export function nextEntry(list, place, key, lengths) {
  /** @type {Record<string, [number, number]>} */
  const steps = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] };
  if (!Object.hasOwn(steps, key)) return null;
  const [across, along] = steps[key];
  return [list + across, Math.min(place + along, (lengths[list + across] ?? 0) - 1)];
}
