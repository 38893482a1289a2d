/** The weights as the reader wants them: word pieces merged, special tokens hidden. Draws nothing. */

import { unpackSmall } from "./bytes.js";
import { csvFile, visible } from "./text.js";

/**
 * @typedef {import("./types.d.ts").AttentionMap} AttentionMap
 * @typedef {import("./types.d.ts").AttentionMeta} AttentionMeta
 * @typedef {import("./types.d.ts").Get} Get
 * @typedef {import("./types.d.ts").Identity} Identity
 * @typedef {import("./types.d.ts").Item} Item
 * @typedef {import("./types.d.ts").Stored} Stored
 */

const BUILT_IN = {
  mean: "mean of the heads",
  max: "largest of the heads",
  rollout: "rollout up to this layer",
};
/**
 * @param {string} name
 * @param {string} glyph
 * @param {string} colour
 * @param {Identity | null} identity
 * @param {Stored} stored
 * @param {Uint8Array} data
 * @returns {AttentionMap}
 */
export const asMap = (name, glyph, colour, identity, stored, data) => ({
  ...stored,
  name,
  glyph,
  colour,
  identity,
  data,
  rolled: [],
  means: [],
});

/** The maps of one text, real and control. A `layer`, a `head` count from 0; a `combine` is "" for one head. */
export class AttentionMaps {
  /** @type {Item[]} */
  items = [];
  hidden = false;
  fine = false;
  /** @type {Record<string, string>} */
  combinations = Object.create(null); // a name may be "__proto__"

  /** @param {Get} get */
  static async load(get) {
    /** @type {AttentionMeta} */
    const meta = get("meta");
    const count = meta.layers * (meta.heads + meta.summaries.length) * meta.n * meta.n;
    const list = [asMap(meta.name, "●", "--real", meta.identity, meta.stored, await unpackSmall(get("data"), count))];
    if (meta.control && meta.control_stored)
      list.push(
        asMap(
          meta.control,
          "▲",
          "--control",
          meta.control_identity,
          meta.control_stored,
          await unpackSmall(get("control_data"), count),
        ),
      );
    return new AttentionMaps(meta, list);
  }

  /**
   * @param {AttentionMeta} meta
   * @param {AttentionMap[]} list
   */
  constructor(meta, list) {
    this.meta = meta;
    this.list = list;
    this.hasSpecial = meta.special.some(Boolean);
    const makes = meta.heads > 1 ? BUILT_IN : { rollout: BUILT_IN.rollout };
    Object.assign(this.combinations, meta.head_names ? {} : makes);
    for (const name of meta.summaries) this.combinations[name] = name;
  }

  /** @param {number} head */
  headName(head) {
    return this.meta.head_names?.[head] ?? `head ${head}`;
  }

  /**
   * Settle what the rows and columns stand for.
   *
   * @param {boolean} merged word pieces as words
   * @param {boolean} showSpecial
   */
  regroup(merged, showSpecial) {
    const { tokens, special, word_ids: wordIds, words } = this.meta;
    /** @type {Map<number | string, Item>} */
    const made = new Map();
    tokens.forEach((token, i) => {
      if (special[i] && !showSpecial) return;
      const word = merged && wordIds && words && wordIds[i] >= 0 ? wordIds[i] : null;
      const full = word === null ? token : (words?.[word] ?? "");
      const key = word ?? `token ${i}`;
      const text = visible(full.replace(/^[Ġ▁](?=.)/u, "")); // a word begins here
      const item = made.get(key) ?? { full, text, special: special[i], at: [] };
      made.set(key, item);
      item.at.push(i);
    });
    this.items = [...made.values()];
    this.hidden = this.hasSpecial && !showSpecial;
  }

  /**
   * Return the weights over all tokens, row-major (query, key): one head, one of the reader's own summaries, or a
   * combination of heads.
   *
   * @param {AttentionMap} map
   * @param {number} layer
   * @param {number} head
   * @param {string} combine
   */
  full(map, layer, head, combine = "") {
    if (combine === "mean") return this.mean(map, layer);
    if (combine === "max") return this.largest(map, layer);
    if (combine === "rollout") return this.rollout(map, layer);
    const own = this.meta.summaries.indexOf(combine);
    return this.stored(map, layer, own < 0 ? head : this.meta.heads + own);
  }

  /**
   * @param {AttentionMap} map
   * @param {number} layer
   * @param {number} place of a head, or behind the heads of a summary
   */
  stored(map, layer, place) {
    const { n, heads, summaries } = this.meta,
      which = layer * (heads + summaries.length) + place,
      step = map.steps[which],
      start = which * n * n,
      out = new Float32Array(n * n);
    for (let k = 0; k < n; k++)
      for (let q = 0; q < n; q++) {
        const level = map.data[start + k * n + q]; // stored (layer, head, key, query)
        if (level) out[q * n + k] = level * step;
      }
    return out;
  }

  /**
   * Many weights too small to store add up: what a row lacks to 1 is spread over the cells that were stored as 0.
   *
   * @param {AttentionMap} map
   * @param {number} layer
   */
  mean(map, layer) {
    if (map.means[layer]) return map.means[layer];
    const { n, heads } = this.meta,
      out = new Float32Array(n * n);
    for (let head = 0; head < heads; head++) {
      const one = this.stored(map, layer, head);
      for (let q = 0; q < n; q++) {
        const end = map.causal ? q + 1 : n;
        let sum = 0;
        let empty = 0;
        for (let k = 0; k < end; k++) {
          sum += one[q * n + k];
          empty += Number(one[q * n + k] === 0);
        }
        const share = map.rows_sum && empty ? Math.max(0, 1 - sum) / empty : 0;
        for (let k = 0; k < end; k++) out[q * n + k] += (one[q * n + k] || share) / heads;
      }
    }
    map.means[layer] = out;
    return out;
  }

  /**
   * @param {AttentionMap} map
   * @param {number} layer
   */
  largest(map, layer) {
    const out = this.stored(map, layer, 0);
    for (let head = 1; head < this.meta.heads; head++)
      this.stored(map, layer, head).forEach((weight, i) => {
        if (weight > out[i]) out[i] = weight;
      });
    return out;
  }

  /**
   * Abnar & Zuidema 2020: half of each state is itself, half the mean of the heads; layer after layer, multiplied.
   *
   * @param {AttentionMap} map
   * @param {number} layer
   */
  rollout(map, layer) {
    const { n } = this.meta;
    for (let l = map.rolled.length; l <= layer; l++) {
      const mean = this.mean(map, l),
        before = map.rolled[l - 1],
        out = new Float32Array(n * n);
      for (let q = 0; q < n; q++) {
        const row = out.subarray(q * n, (q + 1) * n);
        let sum = 0;
        for (let k = 0; k < n; k++) sum += mean[q * n + k];
        for (let m = 0; m < n; m++) {
          const share = (sum ? mean[q * n + m] / (2 * sum) : 0) + (m === q ? (sum ? 0.5 : 1) : 0);
          if (!share) continue;
          if (!before) row[m] += share;
          else for (let k = 0; k < n; k++) row[k] += share * before[m * n + k];
        }
      }
      map.rolled[l] = out;
    }
    return map.rolled[layer];
  }

  /**
   * The same as `full`, over what is shown. Pieces of a word: summed over those attended to, averaged over those that
   * attend.
   *
   * @param {AttentionMap} map
   * @param {number} layer
   * @param {number} head
   * @param {string} combine
   */
  matrix(map, layer, head, combine = "") {
    const { n } = this.meta,
      whole = this.full(map, layer, head, combine),
      groups = this.items.map((item) => item.at),
      m = groups.length;
    if (m === n) return whole;
    const out = new Float32Array(m * m);
    for (let q = 0; q < m; q++)
      for (const a of groups[q])
        for (let k = 0; k < m; k++) {
          let sum = 0;
          for (const b of groups[k]) sum += whole[a * n + b];
          out[q * m + k] += sum / groups[q].length;
        }
    return out;
  }

  /**
   * Return one value from 0 to 1 an item, for the states that enter `layer`; null where the measure is off or not known.
   *
   * @param {Pick<AttentionMap, "identity">} map
   * @param {string} measure
   * @param {number} layer
   */
  identity(map, measure, layer) {
    const rows = map.identity?.[measure];
    return rows ? this.items.map(({ at }) => at.reduce((sum, i) => sum + rows[layer][i], 0) / at.length / 100) : null;
  }

  /** @param {number} weight */
  percent(weight) {
    if (weight < (this.fine ? 0.0005 : 0.005)) return "0%";
    return `${(100 * weight).toFixed(this.fine && weight < 0.0995 ? 1 : 0)}%`;
  }

  /**
   * Numbers get a decimal where all that is shown was stored finely enough for one.
   *
   * @param {number} layer
   * @param {number} head
   * @param {string} combine
   */
  showing(layer, head, combine) {
    this.fine = this.list.every((map) => parseFloat(this.within(map, layer, head, combine)) < 0.4);
  }

  /**
   * Return how far a weight of this map may be from the one that was given, as text.
   *
   * @param {AttentionMap} map
   * @param {number} layer
   * @param {number} head
   * @param {string} combine
   */
  within(map, layer, head, combine = "") {
    const own = this.meta.summaries.indexOf(combine),
      row = layer * (this.meta.heads + this.meta.summaries.length),
      step = Object.hasOwn(BUILT_IN, combine)
        ? Math.max(...map.steps)
        : map.steps[row + (own < 0 ? head : this.meta.heads + own)];
    return `${(50 * step).toFixed(2)}%`;
  }

  /**
   * Return the favourite of each row: the key with the largest weight, the first of equals; -1 where a row holds nothing.
   *
   * @param {Float32Array} matrix
   */
  favourites(matrix) {
    const m = this.items.length;
    return Array.from({ length: m }, (_, q) => {
      let best = -1,
        most = 0;
      for (let k = 0; k < m; k++) if (matrix[q * m + k] > most) [most, best] = [matrix[q * m + k], k];
      return best;
    });
  }

  /**
   * Say in one sentence where the weight of the whole map goes.
   *
   * @param {Float32Array} matrix over what is shown
   * @param {Float32Array} whole over all tokens
   */
  remark(matrix, whole) {
    const m = this.items.length,
      { n, special } = this.meta;
    let toSpecial = 0,
      toItself = 0;
    this.items.forEach(({ at }, q) => {
      toItself += matrix[q * m + q] / m;
      for (const a of at) for (let k = 0; k < n; k++) if (special[k]) toSpecial += whole[a * n + k] / (at.length * m);
    });
    if (this.hidden)
      return `${this.percent(toSpecial)} of the attention, on average, goes to special tokens, which are not drawn here. The other weights are unchanged.`;
    return `Mean row: ${this.hasSpecial ? `${this.percent(toSpecial)} on special tokens, ` : ""}${this.percent(toItself)} on itself.`;
  }

  /**
   * @param {number} layer
   * @param {number | string} head its number, or the name of a combination
   * @param {Float32Array[]} matrices
   */
  csv(layer, head, matrices) {
    const m = this.items.length;
    /** @type {(number | string)[][]} */
    const rows = [["layer", "head", "query_index", "query", "key_index", "key", ...this.list.map((map) => map.name)]];
    for (let q = 0; q < m; q++)
      for (let k = 0; k < m; k++)
        rows.push([
          layer,
          head,
          q,
          this.items[q].full,
          k,
          this.items[k].full,
          ...matrices.map((a) => a[q * m + k].toFixed(5)),
        ]);
    return csvFile(rows);
  }
}
