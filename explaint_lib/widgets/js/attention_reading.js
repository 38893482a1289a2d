/** What the maps say at the place that is pointed at: in a sentence, and as a table. */

import { fit, html, tell } from "./dom.js";
import { sameSpot } from "./keys.js";
import { visible } from "./text.js";

/**
 * @typedef {import("./attention.js").AttentionView} AttentionView
 * @typedef {import("./types.d.ts").Spot} Spot
 */

export class Reading {
  /** @param {AttentionView} view */
  constructor(view) {
    this.view = view;
    this.status = html("div", { class: "status", role: "status", "aria-live": "polite" });
    this.table = html("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Weights as a table" });
    this.details = html("details", { class: "veil" }, html("summary", {}, "Numbers as a table"), this.table);
    this.details.addEventListener("toggle", () => this.fillTable());
  }

  /** @param {number} i */
  quote(i) {
    return `“${fit(this.view.maps.items[i].text, 220)}”`;
  }

  /** @param {Spot} spot */
  speak({ q, k }) {
    const idle = q === null && k === null;
    let said = ". Point at a token or move with the arrow keys; click or press Enter to pin it.";
    if (q !== null && k !== null) said = `: ${this.quote(q)} → ${this.quote(k)}`;
    else if (q !== null) said = `: ${this.quote(q)} attends to`;
    else if (k !== null) said = `: ${this.quote(k)} is attended to by`;
    const pinned =
      this.view.pin && sameSpot(this.view.pin, { q, k })
        ? [html("span", { class: "muted" }, " (pinned; Escape frees it)")]
        : [];
    tell(
      this.status,
      html("div", {}, html("b", {}, this.view.title), said, ...pinned),
      ...(idle || this.view.controls.guessing.open
        ? [] // the numbers would give the answer
        : this.view.panels.map((p) => html("div", {}, `${p.glyph} ${p.name}: ${this.read(p.matrix, q, k)}`))),
    );
  }

  /**
   * Return what a map holds at a spot, in words.
   *
   * @param {Float32Array} matrix
   * @param {number | null} q
   * @param {number | null} k
   */
  read(matrix, q, k) {
    const n = this.view.maps.items.length;
    if (q !== null && k !== null) return this.view.maps.percent(matrix[q * n + k]);
    const all = this.view.maps.items.map((_, i) => [q !== null ? matrix[q * n + i] : matrix[i * n + Number(k)], i]);
    const top = all
      .filter(([a]) => a > 0)
      .sort((a, b) => b[0] - a[0])
      .slice(0, 4);
    return top.map(([a, i]) => `${this.quote(i)} ${this.view.maps.percent(a)}`).join(", ") || "nothing recorded";
  }

  fillTable() {
    if (!this.details.open || !this.view.panels.length) return;
    const { items } = this.view.maps,
      q = this.view.query,
      n = items.length;
    const error = this.view.maps.list.map((map) =>
      this.view.maps.within(map, this.view.get("layer"), this.view.get("head"), this.view.get("combine")),
    );
    const caption = `${this.view.title}: from ${this.quote(q)} to (weights were stored to within ±${[...new Set(error)].join(" and ±")})`;
    const head = html(
      "tr",
      {},
      html("th", { scope: "col" }, "token"),
      ...this.view.panels.map((p) => html("th", { scope: "col", class: "num" }, p.name)),
    );
    const rows = items.map((item, k) =>
      html(
        "tr",
        {},
        html("th", { scope: "row" }, visible(item.full)),
        ...this.view.panels.map((p) => html("td", { class: "num" }, this.view.maps.percent(p.matrix[q * n + k]))),
      ),
    );
    this.table.replaceChildren(
      html("table", {}, html("caption", {}, caption), html("thead", {}, head), html("tbody", {}, ...rows)),
    );
  }
}
