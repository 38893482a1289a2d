/** Do the ways of summing up a layer agree? And predict, then reveal, for maps. */

import { withoutEyes } from "./attention_rules.js";
import { html } from "./dom.js";
import { Guessing, LETTERS, shuffled } from "./guess.js";

/**
 * @typedef {import("./attention.js").AttentionView} AttentionView
 * @typedef {{ matrix: Float32Array, best: number[] }} Summary a map, and the favourite of each of its rows
 * @typedef {{ layer: number, head: number, items: object, names: string[], each: Summary[][] }} Compared (map, summary)
 */

/** The maps that sum up a layer, side by side for one row, and how often they agree. */
export class SummaryTable {
  /** @type {Compared | null} */
  known = null;

  /** @param {AttentionView} view */
  constructor(view) {
    this.view = view;
    this.place = html("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Summaries side by side" });
    this.element = html(
      "details",
      { class: "veil" },
      html("summary", {}, "Do the summaries of this layer agree?"),
      this.place,
    );
    this.element.addEventListener("toggle", () => this.fill());
  }

  /**
   * Return the favourites of every row under every summary: computed once for a layer, head and choice of tokens.
   *
   * @returns {Compared}
   */
  compare() {
    const { view, known } = this;
    const { maps } = view;
    const [layer, head] = [view.get("layer"), view.get("head")];
    if (known?.layer === layer && known?.head === head && known?.items === maps.items) return known;
    const names = { "": maps.headName(head), ...maps.combinations };
    const each = maps.list.map((map) =>
      Object.keys(names).map((combine) => {
        const matrix = maps.matrix(map, layer, head, combine);
        return { matrix, best: maps.favourites(matrix) };
      }),
    );
    this.known = { layer, head, items: maps.items, names: Object.values(names), each };
    return this.known;
  }

  fill() {
    const { view } = this,
      { maps } = view;
    this.element.style.display = Object.keys(maps.combinations).length ? "" : "none";
    if (!this.element.open || !view.panels.length) return;
    if (!Object.keys(maps.combinations).length) return;
    const { names, each } = this.compare(),
      q = view.query,
      m = maps.items.length,
      two = maps.list.length > 1;
    const leaders = (/** @type {Float32Array} */ matrix) => {
      const row = maps.items.map((_, k) => [matrix[q * m + k], k]).filter(([weight]) => weight > 0);
      const top = row.sort((a, b) => b[0] - a[0]).slice(0, 3);
      return (
        top.map(([weight, k]) => `${view.controls.reading.quote(k)} ${maps.percent(weight)}`).join(", ") ||
        "nothing recorded"
      );
    };
    // how many rows have the same favourite under both
    const same = (/** @type {Summary} */ a, /** @type {Summary} */ b) =>
      a.best.filter((k, i) => k >= 0 && k === b.best[i]).length;
    const above = html(
      "tr",
      {},
      html("th", { scope: "col", rowspan: 2 }, "Summary"),
      ...maps.list.map((map) => html("th", { scope: "colgroup", colspan: 2 }, `${map.glyph} ${map.name}`)),
    );
    const header = html(
      "tr",
      {},
      ...maps.list.flatMap(() => [
        html("td", {}, `${view.controls.reading.quote(q)} attends most to`),
        html("td", { class: "num" }, `rows agreeing with the ${names[1].replace(/ .*/, "")}`),
      ]),
    );
    const rows = names.map((name, i) =>
      html(
        "tr",
        {},
        html("th", { scope: "row" }, name),
        ...each.flatMap((list) => [
          html("td", {}, leaders(list[i].matrix)),
          html("td", { class: "num" }, i === 1 ? "–" : same(list[i], list[1])),
        ]),
      ),
    );
    const all = each.map((list, i) => {
      const agreed = list[0].best.filter((k, row) => k >= 0 && list.every((one) => one.best[row] === k)).length;
      return `${agreed} of ${m} rows${two ? ` (${maps.list[i].name})` : ""}`;
    });
    const caption = `Layer ${view.get("layer")}. All ${names.length} give the largest weight to the same token in ${all.join(", ")}. Point at a token to read its row.`;
    this.place.replaceChildren(
      html("table", {}, html("caption", {}, caption), html("thead", {}, above, header), html("tbody", {}, ...rows)),
    );
  }
}

/**
 * Two maps without names: which is the real one? Heads are drawn without repetition.
 *
 * @param {AttentionView} view
 */
export function attentionGuessing(view) {
  /** @type {number[]} */
  let deck = [];
  /** @type {object | null} */
  let dealtFrom = null;
  /** @type {import("./types.d.ts").ViewState | null} */
  let before = null;
  const deal = () => {
    const { meta, list } = view.maps;
    if (dealtFrom !== meta) deck = []; // the kernel has sent other maps
    dealtFrom = meta;
    before ??= view.snapshot();
    if (!deck.length) deck = shuffled(Array.from({ length: meta.layers * meta.heads }, (_, i) => i));
    const next = Number(deck.pop());
    view.pin = view.cursor = view.hover = null;
    const dealt = { order: shuffled([0, 1]), named: false };
    view.dealt = dealt;
    view.put({ layer: Math.floor(next / meta.heads), head: next % meta.heads, combine: "", view: "matrix" });
    view.build();
    const right = dealt.order.indexOf(0);
    return {
      question: `Which map is “${list[0].name}”, and not “${list[1].name}”?`,
      hint: "One head, drawn blindly.",
      key: "Darker: larger than more of the other weights of the same map. Both maps hold the same shades.",
      answers: ["Map A", "Map B"],
      right,
      after: `“${list[0].name}” was map ${LETTERS[right]} (${view.title}).`,
      more: withoutEyes(view.maps),
    };
  };
  return new Guessing({
    invite: "Two maps without names: can you tell which is which?",
    deal,
    show() {
      if (view.dealt) view.dealt.named = true;
      view.build();
    },
    leave() {
      view.dealt = null;
      const { layer, head, combine, view: picture } = before ?? view.snapshot();
      before = null;
      view.put({ layer, head, combine, view: picture });
      view.build();
    },
  });
}
