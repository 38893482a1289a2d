// ---- attention.js: one layer and head at a time, its control beside it. What is shown lives in the model, the pointer here ----
const CSS = `${FIGURE_CSS.replace(/^text/, ":where(svg.figure) text")}
.top { display: grid; gap: .9rem 1.4rem; margin-top: .7rem; } .controls { display: grid; gap: .65rem; align-content: start; min-width: 0; }
.heads { display: grid; gap: 2px; justify-content: start; max-height: 15rem; overflow: auto; padding: 3px; scrollbar-width: thin; }
.heads [role=presentation] { display: contents; } .heads span { font-size: 11px; line-height: 1; color: var(--muted); place-self: center; font-variant-numeric: tabular-nums; }
.heads button { padding: 0; border: 1px solid var(--line); border-radius: 3px; background: var(--bg); cursor: pointer; aspect-ratio: 1; line-height: 0; overflow: clip; }
.heads button:hover { border-color: var(--fg); } .heads [aria-checked=true] { outline: 2px solid var(--fg); outline-offset: 1px; }
.heads [aria-checked=true]:focus-visible { outline: 3px solid var(--focus); } .heads canvas { width: 100%; height: 100%; image-rendering: pixelated; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 290px), 1fr)); gap: .4rem 1.2rem; margin-top: .9rem; border-top: 1px solid var(--line); padding-top: .7rem; }
.panel { min-width: 0; display: grid; grid-row: span 3; grid-template-rows: subgrid; align-items: start; } .panels { row-gap: 0; } .panel svg { margin-bottom: .5rem; } .panel svg { display: block; max-width: 100%; height: auto; touch-action: manipulation; } .panel svg :focus { outline: none; }
.panel svg .tok:focus-visible .back { stroke: var(--focus); stroke-width: 2.5; } .panel svg [data-matrix]:focus-visible + * + .frame { stroke: var(--focus); stroke-width: 3; }
.panel .name { color: var(--ink); } .panel .name span { margin-right: .35rem; } .long { max-height: 36rem; overflow: auto; scrollbar-width: thin; }
.status { margin-top: .6rem; min-height: 3.2em; padding: .45rem .7rem; background: var(--soft); border-radius: 6px; overflow-wrap: anywhere; }
.scale { display: inline-block; width: 5rem; height: .6rem; border: 1px solid var(--edge); border-radius: 2px; margin: 0 .15rem; vertical-align: -1px; background: linear-gradient(to right, transparent, var(--ink)); }
.foot { margin: .6rem 0; } form.bar { margin-top: .7rem; } form label { flex: 1 1 20rem; white-space: nowrap; } form input { flex: 1 1 8rem; min-width: 0; }
@container (min-width: 600px) { .top { grid-template-columns: minmax(0, 1fr) minmax(15rem, .85fr); } }`;

const NONE = { q: null, k: null },
  STATE = ["layer", "head", "combine", "view", "merged", "show_special", "measure"];
// From the smallest weight to the largest as from 0 to 1: a map without names shows its pattern, not its level.
function stretched(matrix) {
  const low = matrix.reduce((x, y) => Math.min(x, y), 1),
    high = matrix.reduce((x, y) => Math.max(x, y), 0);
  return matrix.map((weight) => (high > low ? (weight - low) / (high - low) : 0));
}
const sameSpot = (a, b) => !a === !b && (!a || (a.q === b.q && a.k === b.k));

async function open({ model, el }) {
  return new AttentionView(model, el, await AttentionMaps.load((key) => model.get(key)));
}

class AttentionView extends AttentionControls {
  constructor(model, el, maps) {
    super();
    Object.assign(this, { model, maps, panels: [], pin: null, cursor: null, hover: null, overview: 0, width: 0 });
    this.quit = new AbortController();
    this.box = mount(el, CSS, this.get("label"));
    this.makeControls();
    this.listen();
    this.checkTheme = followTheme(this.box, () => this.repaint(), this.quit.signal);
    this.rebuildControls();
    this.relabel();
    this.resize.observe(this.panelsBox);
    model.send({ type: "hello" }); // only a live kernel answers
  }
  get(key) {
    return this.model.get(key);
  }
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
    this.mergeInput.checked = this.get("merged");
    this.specialInput.checked = this.get("show_special");
    this.refresh();
    this.drawGrid();
  }
  refresh() {
    for (const [element, key] of [
      [this.layerBox, "layer"],
      [this.headBox, "head"],
      [this.combineBox, "combine"],
      [this.measureBox, "measure"],
    ])
      element.value = this.get(key);
    this.headLabel.style.display = this.get("combine") ? "none" : "";
    this.showView(this.get("view"));
    this.grid.select(this.get("layer"), this.get("head"));
    this.build();
  }
  repaint() {
    this.build();
    this.drawGrid();
  }
  drawGrid() {
    this.grid.draw(this.maps, this.maps.list[this.overview]);
  }
  // What is shown, in words.
  get title() {
    const layer = `Layer ${this.get("layer")}`,
      combine = this.get("combine");
    return combine ? `${layer}, ${this.maps.combinations[combine] ?? combine}` : `${layer}, ${this.maps.headName(this.get("head"))}`;
  }
  // The maps side by side: while the reader guesses, in the order that was dealt and without a name or a colour.
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
    const { maps, panelsBox } = this,
      [layer, head, measure, combine] = ["layer", "head", "measure", "combine"].map((key) => this.get(key)),
      list = this.shownMaps,
      blind = Boolean(this.dealt) && !this.dealt.named;
    maps.showing(layer, head, combine);
    const wholes = list.map((map) => maps.full(map, layer, head, combine)),
      matrices = list.map((map) => maps.matrix(map, layer, head, combine)).map(blind ? stretched : (a) => a),
      peaks = matrices.map((a) => a.reduce((x, y) => Math.max(x, y), 1e-4));
    this.scale = Math.max(...peaks);
    this.width = panelsBox.clientWidth;
    const count = list.length,
      room = Math.max(240, Math.floor(count > 1 && this.width >= 600 ? (this.width - 20) / 2 : this.width));
    const refocus = panelsBox.contains(this.box.getRootNode().activeElement),
      make = this.get("view") === "matrix" ? matrixFigure : linesFigure;
    this.panels = list.map((map, i) => {
      const given = {
        items: maps.items,
        matrix: matrices[i],
        scale: this.scale,
        identity: maps.identity(map, measure, layer),
        width: Math.min(room, count > 1 ? 460 : 620),
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
          percent: blind ? () => "" : (a) => maps.percent(a),
        }),
      };
    });
    this.box.classList.toggle("asking", blind);
    panelsBox.classList.toggle("long", maps.items.length > 26);
    panelsBox.replaceChildren(
      ...this.panels.map((p) =>
        html(
          "div",
          { class: "panel", style: `--ink: var(${p.colour})` },
          html("p", { class: "name" }, html("span", { "aria-hidden": "true" }, blind ? "" : p.glyph), p.name),
          html("p", { class: "muted" }, blind ? "" : maps.remark(p.matrix, p.whole)),
          p.svg,
        ),
      ),
    );
    this.explain(layer, measure, blind);
    this.paint(refocus);
  }
  explain(layer, measure, blind) {
    const { list } = this.maps,
      parts = [
        "Weight 0",
        ...list.map((map) => html("span", { class: "scale", style: `--ink: var(${map.colour})` })),
        `${this.maps.percent(this.scale)}${list.length > 1 ? ", one scale for both maps" : ""}. `,
      ];
    const unknown = this.panels.find((p) => !p.identity);
    if (blind)
      return tell(this.legend, "Each map on its own scale: from its smallest weight, pale, to its largest, dark.");
    if (measure)
      parts.push(
        `Links, cells and gauges fade by how far each end still is its token (${measure}, state entering layer ${layer})${unknown ? `; not known for ${unknown.name}` : ""}. `,
      );
    tell(this.legend, ...parts, this.panels.find((p) => p.note)?.note ?? "");
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
    this.speak(spot);
    this.fillTable();
    this.summaries.fill();
  }
  quote(i) {
    return `“${fit(this.maps.items[i].text, 220)}”`;
  }
  speak({ q, k }) {
    const idle = q === null && k === null;
    let said = ". Point at a token or move with the arrow keys; click or press Enter to pin it.";
    if (q !== null && k !== null) said = `: ${this.quote(q)} → ${this.quote(k)}`;
    else if (!idle) said = q !== null ? `: ${this.quote(q)} attends to` : `: ${this.quote(k)} is attended to by`;
    const pinned =
      this.pin && sameSpot(this.pin, { q, k }) ? [html("span", { class: "muted" }, " (pinned; Escape frees it)")] : [];
    tell(
      this.status,
      html("div", {}, html("b", {}, this.title), said, ...pinned),
      ...(idle || this.guessing.open
        ? [] // the numbers would give the answer
        : this.panels.map((p) => html("div", {}, `${p.glyph} ${p.name}: ${this.read(p.matrix, q, k)}`))),
    );
  }
  read(matrix, q, k) {
    const n = this.maps.items.length;
    if (q !== null && k !== null) return this.maps.percent(matrix[q * n + k]);
    const all = this.maps.items.map((_, i) => [q !== null ? matrix[q * n + i] : matrix[i * n + k], i]);
    const top = all
      .filter(([a]) => a > 0)
      .sort((a, b) => b[0] - a[0])
      .slice(0, 4);
    return top.map(([a, i]) => `${this.quote(i)} ${this.maps.percent(a)}`).join(", ") || "nothing recorded";
  }
  // The token whose row is read: pointed at, or the first.
  get query() {
    return (this.hover ?? this.cursor ?? this.pin ?? NONE).q ?? 0;
  }
  fillTable() {
    if (!this.details.open || !this.panels.length) return;
    const { items } = this.maps,
      q = this.query,
      n = items.length;
    const error = this.maps.list.map((map) => this.maps.within(map, ...["layer", "head", "combine"].map((key) => this.get(key))));
    const caption = `${this.title}: from ${this.quote(q)} to (weights were stored to within ±${[...new Set(error)].join(" and ±")})`;
    const head = html(
      "tr",
      {},
      html("th", { scope: "col" }, "token"),
      ...this.panels.map((p) => html("th", { scope: "col", class: "num" }, p.name)),
    );
    const rows = items.map((item, k) =>
      html(
        "tr",
        {},
        html("th", { scope: "row" }, visible(item.full)),
        ...this.panels.map((p) => html("td", { class: "num" }, this.maps.percent(p.matrix[q * n + k]))),
      ),
    );
    this.table.replaceChildren(
      html("table", {}, html("caption", {}, caption), html("thead", {}, head), html("tbody", {}, ...rows)),
    );
  }

  // -- events --
  listen() {
    const on = (event, act) => this.panelsBox.addEventListener(event, (e) => act(e), { signal: this.quit.signal });
    on("pointermove", (e) => this.pointAt(e.pointerType === "touch" ? null : this.spotUnder(e)));
    on("pointerleave", () => this.pointAt(null));
    on("click", (e) => {
      const spot = this.spotUnder(e);
      this.pin = !spot || sameSpot(this.pin, spot) ? null : spot;
      if (spot && this.cursor) this.cursor = spot;
      this.paint();
    });
    on("focusin", (e) => this.focusAt(e));
    on("focusout", (e) => {
      if (this.panelsBox.contains(e.relatedTarget)) return;
      this.cursor = null;
      this.paint();
    });
    on("keydown", (e) => this.key(e));
    this.resize = new ResizeObserver(() => {
      const { clientWidth } = this.panelsBox,
        unseen = this.width === 0; // JupyterLab draws before it attaches
      if (!clientWidth || Math.abs(clientWidth - this.width) <= 2) return;
      this.checkTheme();
      if (unseen) this.repaint();
      else this.build();
    });
    const refresh = once(() => this.refresh()),
      relabel = once(() => this.relabel());
    this.handlers = {
      "change:layer": refresh,
      "change:head": refresh,
      "change:view": refresh,
      "change:measure": refresh,
      "change:combine": refresh,
      "change:merged": relabel,
      "change:show_special": relabel,
      "change:meta": async () => {
        this.guessing.stop(false);
        this.maps = await AttentionMaps.load((key) => this.get(key));
        this.rebuildControls();
        this.relabel();
      },
      "msg:custom": (message) => {
        if (message?.type === "alive" && message.compute) this.panelsBox.before(this.form);
        if (message?.type !== "error") return;
        tell(this.error, message.text);
        this.speak(this.pin ?? NONE);
      },
    };
    for (const [event, act] of Object.entries(this.handlers)) this.model.on(event, act);
  }
  spotUnder(event) {
    const panel = this.panels.findIndex((p) => p.svg.contains(event.target)),
      spot = panel < 0 ? null : this.panels[panel].locate(event);
    return spot && { ...spot, panel };
  }
  pointAt(spot) {
    if (sameSpot(spot, this.hover)) return;
    this.hover = spot;
    this.paint();
  }
  focusAt(event) {
    const panel = this.panels.findIndex((p) => p.svg.contains(event.target)),
      token = event.target.closest(".tok"),
      was = this.cursor ?? this.pin ?? NONE;
    if (panel < 0) return;
    this.cursor = token
      ? { ...NONE, [token.dataset.side]: +token.dataset.i, panel }
      : { q: was.q ?? 0, k: was.k ?? 0, panel };
    this.paint();
  }
  key(event) {
    if (!this.cursor || event.altKey || event.ctrlKey || event.metaKey) return;
    const n = this.maps.items.length,
      to = { ...this.cursor },
      upright = /Up|Down|Home|End/.test(event.key);
    const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1, Home: -n, End: n }[event.key],
      move = (i) => Math.max(0, Math.min(n - 1, i + step));
    const side = to.q === null ? "k" : "q";
    if (event.key === "Enter" || event.key === " ") this.pin = sameSpot(this.pin, to) ? null : { ...to };
    else if (event.key === "Escape") this.pin = null;
    else if (step === undefined) return;
    else if (this.get("view") === "matrix") to[upright ? "q" : "k"] = move(to[upright ? "q" : "k"]);
    else if (upright) to[side] = move(to[side]);
    else Object.assign(to, NONE, { [step > 0 ? "k" : "q"]: to[side] }); // across to the same token on the other side
    this.cursor = to;
    this.hover = null;
    this.paint(true);
    event.preventDefault();
    event.stopPropagation();
  }

  // -- the state as a link --
  snapshot() {
    const state = { kind: "attention", overview: this.overview, pin: this.pin && { q: this.pin.q, k: this.pin.k } };
    for (const key of STATE) state[key] = this.get(key);
    return state;
  }
  // A link may be older than the page: what does not fit is left as it is.
  restore(state) {
    const { meta, combinations } = this.maps,
      own = (known, name) => typeof name === "string" && Object.hasOwn(known, name), // and not "constructor"
      fits = {
        layer: (v) => Number.isInteger(v) && v >= 0 && v < meta.layers,
        head: (v) => Number.isInteger(v) && v >= 0 && v < meta.heads,
        combine: (v) => v === "" || own(combinations, v),
        view: (v) => v === "lines" || v === "matrix",
        merged: (v) => typeof v === "boolean",
        show_special: (v) => typeof v === "boolean",
        measure: (v) => v === "" || own(meta.identity ?? {}, v),
      };
    this.guessing.stop(false);
    this.put(Object.fromEntries(STATE.filter((key) => fits[key](state[key])).map((key) => [key, state[key]])));
    if (Number.isInteger(state.overview) && this.maps.list[state.overview]) this.overlook(state.overview);
    const known = (i) => i === null || (Number.isInteger(i) && i >= 0 && i < this.maps.items.length);
    setTimeout(() => {
      if (!state.pin || !known(state.pin.q) || !known(state.pin.k)) return; // after the redraw, which frees a pin
      this.pin = { q: state.pin.q, k: state.pin.k };
      this.paint();
    });
  }

  // -- files --
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
export default { render };
