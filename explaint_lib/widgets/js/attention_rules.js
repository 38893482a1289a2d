/** Rules that know no language: how often each finds the first of two maps, over all heads that a game may deal. */

/**
 * @typedef {import("./attention_map.js").AttentionMaps} AttentionMaps
 */

/**
 * A map without names shows which weights are larger, not how large: each shade is the weight's rank, from 0 to 1, equal
 * weights share one. So no map is darker than the other on the whole, which would tell them apart at a glance.
 *
 * @param {Float32Array} matrix (query, key)
 * @param {boolean} causal what lies above the diagonal stays white
 */
export function ranked(matrix, causal) {
  const m = Math.sqrt(matrix.length),
    out = new Float32Array(matrix.length),
    places = [...matrix.keys()].filter((i) => !causal || i % m <= Math.floor(i / m));
  places.sort((a, b) => matrix[a] - matrix[b]);
  for (let start = 0, end = 0; start < places.length; start = end) {
    while (end < places.length && matrix[places[end]] === matrix[places[start]]) end++;
    const shade = (start + end - 1) / 2 / Math.max(places.length - 1, 1);
    for (const place of places.slice(start, end)) out[place] = shade;
  }
  return out;
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
      const [own, other] = maps.list.map((map) => ranked(maps.matrix(map, layer, head), map.causal));
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
