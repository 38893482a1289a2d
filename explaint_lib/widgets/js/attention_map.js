// ---- attention_map.js: the weights as the reader wants them: word pieces merged, special tokens hidden. Draws nothing ----
const BUILT_IN = {
  mean: "mean of the heads",
  max: "largest of the heads",
  rollout: "rollout up to this layer",
};
class AttentionMaps {
  static async load(get) {
    const meta = get("meta"),
      count = meta.layers * (meta.heads + meta.summaries.length) * meta.n * meta.n;
    const read = async (name, key, glyph, colour, own) => ({
      ...own,
      name,
      glyph,
      colour,
      data: await unpackSmall(get(key), count),
      rolled: [],
      means: [],
    });
    const list = [await read(meta.name, "data", "●", "--real", { identity: meta.identity, ...meta.stored })];
    if (meta.control)
      list.push(
        await read(meta.control, "control_data", "▲", "--control", {
          identity: meta.control_identity,
          ...meta.control_stored,
        }),
      );
    return new AttentionMaps(meta, list);
  }
  constructor(meta, list) {
    this.meta = meta;
    this.list = list;
    this.hasSpecial = meta.special.some(Boolean);
    const makes = meta.heads > 1 ? BUILT_IN : { rollout: BUILT_IN.rollout };
    this.combinations = Object.assign(Object.create(null), meta.head_names ? {} : makes); // a name may be "__proto__"
    for (const name of meta.summaries) this.combinations[name] = name;
  }
  headName(head) {
    return this.meta.head_names?.[head] ?? `head ${head}`;
  }
  // What the rows and columns stand for: {text, full, special, at: positions}.
  regroup(merged, showSpecial) {
    const { tokens, special, word_ids: wordIds, words } = this.meta,
      made = new Map();
    tokens.forEach((token, i) => {
      if (special[i] && !showSpecial) return;
      const isWord = merged && wordIds && wordIds[i] >= 0,
        key = isWord ? wordIds[i] : `token ${i}`;
      if (!made.has(key)) made.set(key, { full: isWord ? words[wordIds[i]] : token, special: special[i], at: [] });
      made.get(key).at.push(i);
    });
    this.items = [...made.values()];
    this.hidden = this.hasSpecial && !showSpecial;
    for (const item of this.items) item.text = visible(item.full.replace(/^[Ġ▁](?=.)/u, "")); // a word begins here
  }
  // Row-major (query, key), over all tokens: one head, one of the reader's own summaries, or a combination of heads.
  full(map, layer, head, combine = "") {
    if (combine === "mean") return this.mean(map, layer);
    if (combine === "max") return this.largest(map, layer);
    if (combine === "rollout") return this.rollout(map, layer);
    const own = this.meta.summaries.indexOf(combine);
    return this.stored(map, layer, own < 0 ? head : this.meta.heads + own);
  }
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
  // Many weights too small to store add up: what a row lacks to 1 is spread over the cells that were stored as 0.
  mean(map, layer) {
    if (map.means[layer]) return map.means[layer];
    const { n, heads } = this.meta,
      out = new Float32Array(n * n);
    for (let head = 0; head < heads; head++) {
      const one = this.stored(map, layer, head);
      for (let q = 0; q < n; q++) {
        const end = map.causal ? q + 1 : n;
        let sum = 0,
          empty = 0;
        for (let k = 0; k < end; k++) one[q * n + k] ? (sum += one[q * n + k]) : empty++;
        const share = map.rows_sum && empty ? Math.max(0, 1 - sum) / empty : 0;
        for (let k = 0; k < end; k++) out[q * n + k] += (one[q * n + k] || share) / heads;
      }
    }
    return (map.means[layer] = out);
  }
  largest(map, layer) {
    const out = this.stored(map, layer, 0);
    for (let head = 1; head < this.meta.heads; head++)
      this.stored(map, layer, head).forEach((weight, i) => {
        if (weight > out[i]) out[i] = weight;
      });
    return out;
  }
  // Abnar & Zuidema 2020: half of each state is itself, half the mean of the heads; layer after layer, multiplied.
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
  // The same, over what is shown. Pieces of a word: summed over those attended to, averaged over those that attend.
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
  // One value from 0 to 1 an item, for the states that enter `layer`; null where the measure is off or not known.
  identity(map, measure, layer) {
    const rows = map.identity?.[measure];
    return rows ? this.items.map(({ at }) => at.reduce((sum, i) => sum + rows[layer][i], 0) / at.length / 100) : null;
  }
  percent(weight) {
    if (weight < (this.fine ? 0.0005 : 0.005)) return "0%";
    return `${(100 * weight).toFixed(this.fine && weight < 0.0995 ? 1 : 0)}%`;
  }
  // Numbers get a decimal where all that is shown was stored finely enough for one.
  showing(layer, head, combine) {
    this.fine = this.list.every((map) => parseFloat(this.within(map, layer, head, combine)) < 0.4);
  }
  // How far a weight of this map may be from the one that was given, as text.
  within(map, layer, head, combine = "") {
    const own = this.meta.summaries.indexOf(combine),
      row = layer * (this.meta.heads + this.meta.summaries.length),
      step = Object.hasOwn(BUILT_IN, combine) ? Math.max(...map.steps) : map.steps[row + (own < 0 ? head : this.meta.heads + own)];
    return `${(50 * step).toFixed(2)}%`;
  }
  // The favourite of each row: the key with the largest weight. No favourite (-1) where a row holds nothing.
  favourites(matrix) {
    const m = this.items.length;
    return Array.from({ length: m }, (_, q) => {
      let best = -1,
        most = 0;
      for (let k = 0; k < m; k++) if (matrix[q * m + k] > most) [most, best] = [matrix[q * m + k], k];
      return best;
    });
  }
  // One sentence about the whole map: where its weight goes.
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
      return `${this.percent(toSpecial)} of a row, on average, goes to hidden special tokens; nothing is rescaled.`;
    return `Mean row: ${this.hasSpecial ? `${this.percent(toSpecial)} on special tokens, ` : ""}${this.percent(toItself)} on itself.`;
  }
  csv(layer, head, matrices) {
    const m = this.items.length,
      rows = [["layer", "head", "query_index", "query", "key_index", "key", ...this.list.map((map) => map.name)]];
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
    return "\ufeff" + rows.map(csvRow).join("");
  }
}
