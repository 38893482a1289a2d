/** Rules that know no language: how often each finds the first of two maps, over all heads that a game may deal. */

/**
 * @typedef {import("./attention_map.js").AttentionMaps} AttentionMaps
 */

/**
 * From the smallest weight to the largest as from 0 to 1: a map without names shows its pattern, not its level.
 *
 * @param {Float32Array} matrix
 */
export function stretched(matrix) {
  const low = matrix.reduce((x, y) => Math.min(x, y), 1);
  const high = matrix.reduce((x, y) => Math.max(x, y), 0);
  return matrix.map((weight) => (high > low ? (weight - low) / (high - low) : 0));
}

/** @param {Float32Array} shades */
const total = (shades) => shades.reduce((sum, shade) => sum + shade, 0);

/** @type {Record<string, (shades: Float32Array, m: number) => number>} what a player sees, of (query, key) */
const SEEN = {
  "is darker on the whole": (shades) => total(shades),
  "has more of its colour on the diagonal": (shades, m) => {
    let sum = 0;
    for (let i = 0; i < m; i++) sum += shades[i * m + i];
    return sum / (total(shades) || 1);
  },
  "has more of its colour in one column": (shades, m) => {
    const columns = new Float32Array(m);
    shades.forEach((shade, i) => {
      columns[i % m] += shade;
    });
    return columns.reduce((x, y) => Math.max(x, y), 0) / (total(shades) || 1);
  },
};

/**
 * Return the rule that finds the first map most often, and in how many of all heads; a tie counts half.
 *
 * @param {AttentionMaps} maps two, as the reader sees them
 */
export function bestRule(maps) {
  const { layers, heads } = maps.meta,
    m = maps.items.length,
    names = Object.keys(SEEN),
    first = names.map(() => 0);
  for (let layer = 0; layer < layers; layer++)
    for (let head = 0; head < heads; head++) {
      const [own, other] = maps.list.map((map) => stretched(maps.matrix(map, layer, head)));
      names.forEach((name, i) => {
        const ahead = SEEN[name](own, m) - SEEN[name](other, m);
        first[i] += ahead > 0 ? 1 : ahead < 0 ? 0 : 0.5;
      });
    }
  const n = layers * heads,
    often = first.map((count) => Math.max(count, n - count)), // a rule may be turned round
    best = often.indexOf(Math.max(...often)),
    turned = first[best] < n / 2;
  return {
    rule: turned ? names[best].replace("more", "less").replace("darker", "lighter") : names[best],
    found: often[best],
    n,
  };
}

/**
 * Say what the best rule does, so that nobody takes what it does for what an eye did.
 *
 * @param {AttentionMaps} maps
 */
export function withoutEyes(maps) {
  const { rule, found, n } = bestRule(maps);
  const known = found / n > 0.6;
  return known
    ? `A rule that reads nothing, “choose the map that ${rule}”, is right for ${found} of the ${n} heads here: your score must beat that.`
    : `The rules that read nothing (darker, more on the diagonal, more in one column) are right for at most ${found} of the ${n} heads here.`;
}
