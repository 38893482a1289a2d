// ---- attention_map.js: the weights as the reader wants them: word pieces merged, special tokens hidden. Draws nothing ----
class AttentionMaps {
  static async load(get) {
    const meta = get("meta"),
      count = meta.layers * meta.heads * meta.n * meta.n;
    const list = [
      {
        name: meta.name,
        glyph: "●",
        colour: "--real",
        data: await unpackSmall(get("data"), count),
        identity: meta.identity,
      },
    ];
    if (meta.control) {
      const data = await unpackSmall(get("control_data"), count);
      list.push({ name: meta.control, glyph: "▲", colour: "--control", data, identity: meta.control_identity });
    }
    return new AttentionMaps(meta, list);
  }
  constructor(meta, list) {
    this.meta = meta;
    this.list = list;
    this.hasSpecial = meta.special.some(Boolean);
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
    for (const item of this.items) item.text = visible(item.full);
  }
  // Row-major (query, key). Pieces of a word: summed over those attended to, averaged over those that attend.
  matrix(map, layer, head) {
    const { n, heads, levels } = this.meta,
      start = (layer * heads + head) * n * n,
      groups = this.items.map((item) => item.at),
      m = groups.length;
    const out = new Float32Array(m * m);
    for (let k = 0; k < m; k++)
      for (const b of groups[k])
        for (let q = 0; q < m; q++) {
          const row = groups[q],
            from = start + b * n; // stored (layer, head, key, query)
          let sum = 0;
          for (let a = 0; a < row.length; a++) sum += map.data[from + row[a]];
          out[q * m + k] += sum / (row.length * levels);
        }
    return out;
  }
  // One value from 0 to 1 an item, for the states that enter `layer`; null where the measure is off or not known.
  identity(map, measure, layer) {
    const rows = map.identity?.[measure];
    return rows ? this.items.map(({ at }) => at.reduce((sum, i) => sum + rows[layer][i], 0) / at.length / 100) : null;
  }
  percent(weight) {
    if (weight < 0.5 / this.meta.levels) return "0%";
    return `${(100 * weight).toFixed(this.meta.levels > 100 && weight < 0.0995 ? 1 : 0)}%`;
  }
  // One sentence about the whole map: where its weight goes.
  remark(matrix) {
    const m = this.items.length;
    let all = 0,
      special = 0,
      self = 0;
    for (let q = 0; q < m; q++)
      for (let k = 0; k < m; k++) {
        const weight = matrix[q * m + k] / m;
        all += weight;
        if (this.items[k].special) special += weight;
        if (q === k) self += weight;
      }
    if (this.hidden && this.meta.rows_sum)
      return `${this.percent(Math.max(0, 1 - all))} of each row's weight, on average, goes to hidden special tokens; nothing is rescaled.`;
    return `Mean row: ${this.hasSpecial && !this.hidden ? `${this.percent(special)} on special tokens, ` : ""}${this.percent(self)} on itself.`;
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
          ...matrices.map((a) => a[q * m + k].toFixed(4)),
        ]);
    return "\ufeff" + rows.map(csvRow).join("");
  }
}
