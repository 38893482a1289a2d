/** All heads at a glance, as one set of radio buttons. */

import { brushOf, html, set, targetOf, tell } from "./dom.js";
import { cssColour, rgb } from "./frame.js";
import { nextHead } from "./keys.js";

/**
 * @typedef {import("./attention_map.js").AttentionMaps} AttentionMaps
 * @typedef {import("./types.d.ts").AttentionMap} AttentionMap
 */

/** A button for each head of each layer, with a small picture of its map. */
export class HeadGrid {
  turn = 0;
  heads = 1;
  chosen = 0;
  /** @type {HTMLButtonElement[]} */
  buttons = [];

  /**
   * @param {Element} box where colours are read
   * @param {(layer: number, head: number) => void} choose
   * @param {AbortSignal} signal ends the drawing
   */
  constructor(box, choose, signal) {
    this.box = box;
    this.signal = signal;
    this.element = html("div", {
      class: "heads",
      role: "radiogroup",
      "aria-label": "All heads: rows are layers, columns are heads",
    });
    this.note = html("p", { class: "muted" });
    this.element.addEventListener("click", (event) => {
      const picked = targetOf(event).closest("button");
      if (picked) choose(...this.place(this.buttons.indexOf(picked)));
    });
    this.element.addEventListener("keydown", (event) => {
      const next = nextHead(this.chosen, event.key, this.heads, this.buttons.length);
      if (next === null) return;
      if (next !== this.chosen) {
        choose(...this.place(next));
        this.buttons[next].focus();
      }
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /**
   * @param {number} i
   * @returns {[layer: number, head: number]}
   */
  place(i) {
    return [Math.floor(i / this.heads), i % this.heads];
  }

  /**
   * @param {{ layers: number, heads: number }} meta
   * @param {(head: number) => string} headName
   */
  rebuild({ layers, heads }, headName) {
    this.heads = heads;
    const mark = (/** @type {string | number} */ text) => html("span", { "aria-hidden": "true" }, text);
    const row = (/** @type {Node[]} */ ...cells) => html("div", { role: "presentation" }, ...cells);
    this.buttons = Array.from({ length: layers * heads }, (_, i) => {
      const [layer, head] = this.place(i),
        name = `Layer ${layer}, ${headName(head)}`;
      return html(
        "button",
        { type: "button", role: "radio", "aria-label": name, title: name },
        html("canvas", { width: 1, height: 1 }),
      );
    });
    this.element.style.gridTemplateColumns = `1.1rem repeat(${heads}, minmax(24px, 32px))`;
    this.element.replaceChildren(
      row(mark(""), ...Array.from({ length: heads }, (_, head) => mark(head))),
      ...Array.from({ length: layers }, (_, layer) =>
        row(mark(layer), ...this.buttons.slice(layer * heads, (layer + 1) * heads)),
      ),
    );
  }

  /**
   * @param {number} layer
   * @param {number} head
   */
  select(layer, head) {
    this.chosen = layer * this.heads + head;
    for (const [i, button] of this.buttons.entries())
      set(button, { "aria-checked": i === this.chosen, tabindex: i === this.chosen ? 0 : -1 });
  }

  /**
   * Draw every map: one layer at a time, between frames, so that 270 heads never block the page.
   *
   * @param {AttentionMaps} maps
   * @param {AttentionMap} map
   */
  draw(maps, map) {
    const turn = ++this.turn,
      ink = rgb(cssColour(this.box, map.colour));
    const step = (/** @type {number} */ layer) => {
      if (turn !== this.turn || this.signal.aborted) return;
      for (let head = 0; head < this.heads; head++)
        this.thumb(
          /** @type {HTMLCanvasElement} */ (this.buttons[layer * this.heads + head].firstChild),
          maps.matrix(map, layer, head),
          maps.items.length,
          ink,
        );
      if (layer + 1 < maps.meta.layers) setTimeout(step, 0, layer + 1);
    };
    setTimeout(step, 0, 0);
    const names = maps.meta.head_names;
    tell(
      this.note,
      `All ${names ? "maps" : "heads"} (rows: layers, columns: ${names ? names.map((n, i) => `${i} ${n}`).join(", ") : "heads"})${maps.list.length > 1 ? `, ${map.name}` : ""}: darker is more weight, on one scale for all.`,
    );
  }

  /**
   * Draw one map small. Long texts: a pixel is the strongest weight in its patch. Opacity is the root of the weight, so
   * that diffuse heads stay visible.
   *
   * @param {HTMLCanvasElement} canvas
   * @param {Float32Array} matrix
   * @param {number} m
   * @param {number[]} ink
   */
  thumb(canvas, matrix, m, ink) {
    const side = Math.min(m, 40),
      peak = new Float32Array(side * side),
      brush = brushOf(canvas);
    for (let q = 0; q < m; q++)
      for (let k = 0; k < m; k++) {
        const spot = Math.floor((q * side) / m) * side + Math.floor((k * side) / m);
        if (matrix[q * m + k] > peak[spot]) peak[spot] = matrix[q * m + k];
      }
    canvas.width = canvas.height = side;
    const image = brush.createImageData(side, side);
    for (const [spot, weight] of peak.entries()) image.data.set([...ink, 255 * Math.sqrt(weight)], 4 * spot);
    brush.putImageData(image, 0, 0);
  }
}
