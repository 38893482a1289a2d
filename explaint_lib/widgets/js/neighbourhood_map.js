/** All words as points on a canvas; the chosen word and its neighbours above it as SVG. */

import { brushOf, fit, html, set, svg, widthOf } from "./dom.js";
import { cssColour } from "./frame.js";
import { COLOURS, corners } from "./neighbourhood_lists.js";
import { visible } from "./text.js";

/** @typedef {import("./neighbourhood_lists.js").NeighbourLists} NeighbourLists */

const MAP_EDGE = 26; // pixels kept free around the points, so that names have room

export class WordMap {
  /** What is shown of the unit square: left, bottom, side. */
  window = [0, 0, 1];
  /** Where names and points are: left, top, right, bottom. @type {number[][]} */
  taken = [];

  /**
   * @param {Element} box where colours are read
   * @param {NeighbourLists} lists
   */
  constructor(box, lists) {
    this.box = box;
    this.lists = lists;
    this.canvas = html("canvas");
    this.overlay = svg("svg", { "aria-hidden": "true" });
    this.element = html("div", { class: "frame" }, this.canvas, this.overlay);
  }

  /**
   * Return where word `i` stands on a map of `side` pixels.
   *
   * @param {number} i
   * @param {number} side
   */
  at(i, side = this.element.clientWidth) {
    const [left, bottom, span] = this.window,
      x = (this.lists.place(i, 0) - left) / span,
      y = (this.lists.place(i, 1) - bottom) / span;
    return [MAP_EDGE + x * (side - 2 * MAP_EDGE), MAP_EDGE + (1 - y) * (side - 2 * MAP_EDGE)];
  }

  /**
   * Return the word under the pointer, or null.
   *
   * @param {MouseEvent} event
   * @returns {number | null}
   */
  under(event) {
    const frame = this.element.getBoundingClientRect();
    /** @type {number | null} */
    let best = null;
    let least = 18 ** 2;
    for (let i = 0; i < this.lists.n; i++) {
      const [x, y] = this.at(i, frame.width),
        distance = (x - event.clientX + frame.left) ** 2 + (y - event.clientY + frame.top) ** 2;
      if (distance >= least) continue;
      least = distance;
      best = i;
    }
    return best;
  }

  /** @param {number[] | null} around the words that must be seen; null for all */
  aim(around) {
    this.window = [0, 0, 1];
    if (!around) return;
    const ranges = /** @type {const} */ ([0, 1])
      .map((axis) => around.map((i) => this.lists.place(i, axis)))
      .map((v) => [Math.min(...v), Math.max(...v)]);
    const span = Math.min(1, Math.max(0.08, 1.15 * Math.max(...ranges.map(([low, high]) => high - low))));
    this.window = [...ranges.map(([low, high]) => (low + high - span) / 2), span];
  }

  /**
   * @param {object} scene
   * @param {number} scene.self the chosen word
   * @param {number | null} scene.near the neighbour pointed at
   * @param {number[]} scene.list the neighbours
   * @param {Set<number>} scene.gold those under the reference
   * @param {boolean} scene.zoom
   * @param {boolean} scene.colours whether every category has its colour
   */
  draw({ self, near, list, gold, zoom, colours }) {
    const side = this.element.clientWidth;
    if (!side) return;
    this.aim(zoom ? [self, ...list] : null);
    this.points(self, side, colours);
    set(this.overlay, { viewBox: `0 0 ${side} ${side}` });
    this.taken = [self, ...list].map((i) => this.at(i)).map(([x, y]) => [x - 4, y - 4, x + 4, y + 4]);
    const [x, y] = this.at(self),
      pointed = near !== null && near !== self ? [near] : [];
    const names = [self, ...pointed].flatMap((i) => this.name(i, { class: "self" }));
    const rays = list.map((i) => this.at(i)).map(([x2, y2]) => svg("line", { class: "ray", x1: x, y1: y, x2, y2 }));
    const dots = list.map((i) => {
      const [cx, cy] = this.at(i);
      return svg(
        "g",
        { class: gold.has(i) ? "hit" : "" },
        svg("circle", { class: "dot", cx, cy, r: 4.5 }),
        ...(i === near ? [] : this.name(i)),
      );
    });
    const ring = pointed.map((i) => this.at(i)).map(([cx, cy]) => svg("circle", { class: "ring", cx, cy, r: 8 }));
    this.overlay.replaceChildren(
      ...rays,
      ...dots,
      svg("circle", { class: "self", cx: x, cy: y, r: 6 }),
      ...ring,
      ...names,
    );
  }

  /**
   * @param {number} self
   * @param {number} side
   * @param {boolean} colours
   */
  points(self, side, colours) {
    const { n } = this.lists,
      ratio = Math.min(3, devicePixelRatio || 1),
      brush = brushOf(this.canvas),
      many = n > 1500;
    this.canvas.width = this.canvas.height = side * ratio;
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    const shapes = Array.from({ length: COLOURS }, (_, i) => cssColour(this.box, `--kind${i}`));
    const shape = (/** @type {[x: number, y: number][]} */ points) => {
      brush.beginPath();
      for (const [x, y] of points) brush.lineTo(x, y);
      brush.fill();
    };
    for (const kin of [false, true]) {
      brush.fillStyle = cssColour(this.box, kin ? "--mark" : "--edge");
      brush.globalAlpha = kin ? 0.9 : many ? 0.35 : 0.55;
      for (let i = 0; i < n; i++) {
        if (i === self || this.lists.kin(self, i) !== kin) continue;
        const [x, y] = this.at(i, side),
          style = colours ? this.lists.style(i) : null;
        if (style) {
          brush.fillStyle = shapes[style[0]];
          brush.globalAlpha = many ? 0.7 : 0.85;
          shape(corners(style[1], x, y, many ? 2.6 : 4));
          brush.fillStyle = cssColour(this.box, "--edge");
        } else if (kin) shape(corners(2, x, y, 4.5));
        else shape(corners(0, x, y, many ? 1.6 : 2.4));
      }
    }
  }

  /**
   * Write a name only where it covers no other name and no neighbour's point: [] where there is no such place.
   *
   * @param {number} i
   * @param {import("./dom.js").Props} props
   */
  name(i, props = {}) {
    const side = this.element.clientWidth,
      [x, y] = this.at(i),
      text = fit(visible(this.lists.words[i]), side * 0.4),
      width = widthOf(text) * 0.93;
    for (const lift of [0, -13, 13, -26, 26])
      for (const left of [x + 8, x - 8 - width]) {
        const [l, t, r, b] = [left, y + lift - 8, left + width, y + lift + 6];
        const free = this.taken.every(([l2, t2, r2, b2]) => l > r2 || r < l2 || t > b2 || b < t2);
        if (!free || l < 0 || r > side || t < 0 || b > side) continue;
        this.taken.push([l, t, r, b]);
        return [svg("text", { x: left, y: y + lift + 4, ...props }, text)];
      }
    return [];
  }
}
