/** One layer and head at a time, its control beside it. What is shown lives in the model, the pointer here. */

import { AttentionControls } from "./attention_controls.js";
import { exportSvg } from "./attention_export.js";
import { linesFigure } from "./attention_links.js";
import { AttentionMaps } from "./attention_map.js";
import { matrixFigure } from "./attention_matrix.js";
import { listenToReader } from "./attention_pointing.js";
import { ranked } from "./attention_rules.js";
import { CSS } from "./attention_style.js";
import { download, html, once, tell } from "./dom.js";
import { cssColour, followTheme, mount, rgb, rootOf } from "./frame.js";
import { LETTERS } from "./guess.js";
import { NONE } from "./keys.js";
import { living } from "./page.js";
import { isPlace } from "./share.js";
import { fileSafe } from "./text.js";

/**
 * @typedef {import("./types.d.ts").AttentionMap} AttentionMap
 * @typedef {import("./types.d.ts").Context} Context
 * @typedef {import("./types.d.ts").Dealt} Dealt
 * @typedef {import("./types.d.ts").Handlers} Handlers
 * @typedef {import("./types.d.ts").Model} Model
 * @typedef {import("./types.d.ts").Panel} Panel
 * @typedef {import("./types.d.ts").Spot} Spot
 * @typedef {import("./types.d.ts").View} View
 * @typedef {import("./types.d.ts").ViewState} ViewState
 */

const STATE = ["layer", "head", "combine", "view", "merged", "show_special", "measure"];

/** @implements {View} */
export class AttentionView {
  /** @type {Panel[]} */
  panels = [];
  /** @type {Spot | null} */
  pin = null;
  /** @type {Spot | null} */
  cursor = null;
  /** @type {Spot | null} */
  hover = null;
  /** @type {Dealt | null} */
  dealt = null;
  width = 0;
  scale = 1;
  quit = new AbortController();

  /**
   * @param {Model} model
   * @param {Element} el
   * @param {AttentionMaps} maps
   */
  constructor(model, el, maps) {
    this.model = model;
    this.maps = maps;
    this.box = mount(el, CSS, this.get("label"));
    this.controls = new AttentionControls(this);
    this.resize = this.watchSize();
    this.handlers = this.listenToModel();
    listenToReader(this);
    this.checkTheme = followTheme(this.box, () => this.repaint(), this.quit.signal);
    this.controls.rebuild();
    this.relabel();
    this.resize.observe(this.controls.panelsBox);
    model.send({ type: "hello" }); // only a live kernel answers
  }

  /** @param {string} key */
  get(key) {
    return this.model.get(key);
  }

  /** @param {Record<string, unknown>} values */
  put(values) {
    for (const [key, value] of Object.entries(values)) this.model.set(key, value);
    this.model.save_changes();
  }

  close() {
    this.quit.abort();
    this.resize.disconnect();
    for (const [event, act] of Object.entries(this.handlers)) this.model.off(event, act);
  }

  // -- from the model to the page --
  relabel() {
    this.pin = this.cursor = this.hover = null;
    this.maps.regroup(this.get("merged"), this.get("show_special"));
    this.refresh();
    this.controls.drawGrid();
  }

  refresh() {
    this.controls.refresh();
    this.build();
  }

  repaint() {
    this.build();
    this.controls.drawGrid();
  }

  /** What is shown, in words. */
  get title() {
    const layer = `Layer ${this.get("layer")}`,
      combine = this.get("combine");
    return combine
      ? `${layer}, ${this.maps.combinations[combine] ?? combine}`
      : `${layer}, ${this.maps.headName(this.get("head"))}`;
  }

  /**
   * The maps side by side: while the reader guesses, in the order that was dealt and without a name or a colour.
   *
   * @returns {AttentionMap[]}
   */
  get shownMaps() {
    const { dealt, maps } = this;
    if (!dealt) return maps.list;
    return dealt.order.map((i, slot) => ({
      ...maps.list[i],
      ...(dealt.named
        ? { name: `Map ${LETTERS[slot]}: ${maps.list[i].name}` }
        : { name: `Map ${LETTERS[slot]}`, glyph: LETTERS[slot], colour: "--fg", identity: null }),
    }));
  }

  build() {
    const { maps } = this,
      { panelsBox } = this.controls,
      [layer, head, measure, combine] = ["layer", "head", "measure", "combine"].map((key) => this.get(key)),
      list = this.shownMaps,
      blind = this.dealt?.named === false;
    maps.showing(layer, head, combine);
    const wholes = list.map((map) => maps.full(map, layer, head, combine)),
      weights = list.map((map) => maps.matrix(map, layer, head, combine)),
      matrices = blind ? weights.map((a, i) => ranked(a, list[i].causal)) : weights,
      peaks = matrices.map((a) => a.reduce((x, y) => Math.max(x, y), 1e-4));
    this.scale = Math.max(...peaks);
    this.width = panelsBox.clientWidth;
    const count = list.length,
      room = Math.max(240, Math.floor(count > 1 && this.width >= 600 ? (this.width - 20) / 2 : this.width));
    const refocus = panelsBox.contains(rootOf(this.box).activeElement),
      make = this.get("view") === "matrix" ? matrixFigure : linesFigure;
    this.panels = list.map((map, i) => {
      const given = {
        items: maps.items,
        matrix: matrices[i],
        scale: this.scale,
        identity: maps.identity(map, measure, layer),
        // while the reader guesses, both maps are to be in view on a phone
        width: Math.min(room, this.dealt && this.width < 600 ? 250 : count > 1 ? 460 : 620),
      };
      return {
        ...map,
        ...given,
        whole: wholes[i],
        ...make({
          ...given,
          colour: map.colour,
          name: map.name,
          rgb: rgb(cssColour(this.box, map.colour)),
          percent: (/** @type {number} */ weight) => (blind ? "" : maps.percent(weight)),
        }),
      };
    });
    this.box.classList.toggle("asking", this.dealt !== null);
    panelsBox.classList.toggle("long", maps.items.length > 26);
    panelsBox.replaceChildren(
      ...this.panels.map((p) =>
        html(
          "div",
          { class: "panel", style: `--ink: var(${p.colour})` },
          html("p", { class: "name" }, html("span", { "aria-hidden": "true" }, blind ? "" : p.glyph), p.name),
          html("p", { class: "muted" }, this.dealt ? "" : maps.remark(p.matrix, p.whole)),
          p.svg,
        ),
      ),
    );
    this.explain(layer, measure);
    this.paint(refocus);
  }

  /**
   * Say what the shades stand for.
   *
   * @param {number} layer
   * @param {string} measure
   */
  explain(layer, measure) {
    const { list } = this.maps;
    const { legend } = this.controls;
    const parts = [
      "Weight 0",
      ...list.map((map) => html("span", { class: "scale", style: `--ink: var(${map.colour})` })),
      `${this.maps.percent(this.scale)}${list.length > 1 ? ", one scale for both maps" : ""}. `,
    ];
    const unknown = this.panels.find((p) => !p.identity);
    if (measure)
      parts.push(
        `Links, cells and gauges are paler at positions that are less close to their own token (${measure}, state entering layer ${layer})${unknown ? `; not known for ${unknown.name}` : ""}. `,
      );
    tell(legend, ...parts, this.panels.find((p) => p.note)?.note ?? "");
  }

  // -- the selection: what the pointer, the keyboard or a pin points at, {q, k}; the same in every panel --

  paint(refocus = false) {
    const spot = this.hover ?? this.cursor ?? this.pin ?? NONE,
      stop = this.cursor ?? this.pin ?? NONE;
    for (const p of this.panels) {
      p.paint(spot);
      p.tabStop(stop);
    }
    if (refocus) this.panels[this.cursor?.panel ?? 0].focus(stop);
    this.controls.reading.speak(spot);
    this.controls.reading.fillTable();
    this.controls.summaries.fill();
  }

  /** The token whose row is read: pointed at, or the first. */
  get query() {
    return (this.hover ?? this.cursor ?? this.pin ?? NONE).q ?? 0;
  }

  // -- events --
  watchSize() {
    return new ResizeObserver(() => {
      const { clientWidth } = this.controls.panelsBox;
      const unseen = this.width === 0; // JupyterLab draws before it attaches
      if (!clientWidth || Math.abs(clientWidth - this.width) <= 2) return;
      this.checkTheme();
      if (unseen) this.repaint();
      else this.build();
    });
  }

  listenToModel() {
    const refresh = once(() => this.refresh());
    const relabel = once(() => this.relabel());
    /** @type {Handlers} */
    const handlers = {
      "change:layer": refresh,
      "change:head": refresh,
      "change:view": refresh,
      "change:measure": refresh,
      "change:combine": refresh,
      "change:merged": relabel,
      "change:show_special": relabel,
      "change:meta": async () => {
        this.controls.guessing.stop(false);
        this.maps = await AttentionMaps.load((key) => this.get(key));
        this.controls.rebuild();
        this.relabel();
      },
      "msg:custom": (message) => {
        if (message?.type === "alive" && message.compute) this.controls.panelsBox.before(this.controls.form);
        if (message?.type !== "error") return;
        tell(this.controls.error, message.text ?? "");
        this.controls.reading.speak(this.pin ?? NONE);
      },
    };
    for (const [event, act] of Object.entries(handlers)) this.model.on(event, act);
    return handlers;
  }

  // -- the state as a link --
  /** @returns {ViewState} */
  snapshot() {
    const pin = this.pin && { q: this.pin.q, k: this.pin.k };
    const state = STATE.map((key) => [key, this.get(key)]);
    return { kind: "attention", overview: this.controls.overview, pin, ...Object.fromEntries(state) };
  }

  /**
   * Show a state; a link may be older than the page: what does not fit is left as it is.
   *
   * @param {ViewState} state
   */
  restore(state) {
    const { meta, combinations } = this.maps;
    const own = (/** @type {object} */ known, /** @type {unknown} */ name) =>
      typeof name === "string" && Object.hasOwn(known, name); // and not "constructor"
    /** @type {Record<string, (value: unknown) => boolean>} */
    const fits = {
      layer: (v) => isPlace(v, meta.layers),
      head: (v) => isPlace(v, meta.heads),
      combine: (v) => v === "" || own(combinations, v),
      view: (v) => v === "lines" || v === "matrix",
      merged: (v) => typeof v === "boolean",
      show_special: (v) => typeof v === "boolean",
      measure: (v) => v === "" || own(meta.identity ?? {}, v),
    };
    this.controls.guessing.stop(false);
    this.put(Object.fromEntries(STATE.filter((key) => fits[key](state[key])).map((key) => [key, state[key]])));
    if (isPlace(state.overview, this.maps.list.length)) this.controls.overlook(state.overview);
    setTimeout(() => {
      const known = (/** @type {unknown} */ i) => i === null || isPlace(i, this.maps.items.length);
      if (!state.pin || !known(state.pin.q) || !known(state.pin.k)) return; // after the redraw, which frees a pin
      this.pin = { q: state.pin.q, k: state.pin.k };
      this.paint();
    });
  }

  // -- files --
  /** @param {string} ending */
  fileName(ending) {
    const what = fileSafe(this.get("combine")) || `head${this.get("head")}`;
    return `attention-layer${this.get("layer")}-${what}.${ending}`;
  }

  saveCsv() {
    download(
      this.fileName("csv"),
      "text/csv",
      this.maps.csv(
        this.get("layer"),
        this.get("combine") ? this.maps.combinations[this.get("combine")] : this.get("head"),
        this.panels.map((p) => p.matrix),
      ),
    );
  }

  saveSvg() {
    const title = `${this.get("label")} (${this.title})`;
    download(this.fileName("svg"), "image/svg+xml", exportSvg(this.box, this.panels, title));
  }
}

export default living(
  async ({ model, el }) => new AttentionView(model, el, await AttentionMaps.load((key) => model.get(key))),
);
