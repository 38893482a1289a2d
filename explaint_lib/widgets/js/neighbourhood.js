// ---- neighbourhood.js: one word, its nearest words under each condition, and a map linked to the lists ----
const CSS = `
.search { margin-top: .7rem; } .search input { width: 13rem; } .sum { margin: .6rem 0 0; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.4rem, 1fr)); column-gap: .9rem; margin-top: .9rem; }
.column { min-width: 0; display: grid; grid-row: span 5; grid-template-rows: subgrid; align-content: start; margin-bottom: 1.1rem; border-top: 3px solid var(--line); padding-top: .35rem; } .column.gold { border-top-color: var(--fg); } .column.shown { border-top-color: var(--real); }
.column .name { line-height: 1.25; overflow-wrap: anywhere; } .column .muted { line-height: 1.35; }
.score { display: block; width: 100%; height: 34px; margin: .1rem 0 .15rem; overflow: visible; } .score text { font: 11px system-ui, "Liberation Sans", sans-serif; fill: var(--muted); } .axis { stroke: var(--edge); }
.this { fill: var(--real); } .mean { stroke: var(--fg); stroke-width: 2; } .chance { stroke: var(--control); stroke-width: 2; stroke-dasharray: 3 2; }
ol { list-style: none; margin: .2rem 0 0; padding: 0; } li { display: grid; grid-template-columns: 1rem minmax(0, 1fr) auto; align-items: center; min-height: 1.75rem; border-radius: 5px; font-size: .86rem; }
li > span:first-child { color: var(--muted); font-size: .75rem; font-variant-numeric: tabular-nums; } li button { all: unset; cursor: pointer; padding: .12rem .2rem; border-radius: 4px; overflow-wrap: anywhere; line-height: 1.25; min-height: 1.5rem; box-sizing: border-box; }
li button:hover { text-decoration: underline; } li button:focus-visible { outline: 2px solid var(--focus); } li.hit button { font-weight: 650; } li.near { background: var(--soft); box-shadow: inset 0 0 0 1px var(--edge); }
.marks { color: var(--real); font-size: .85rem; padding-right: .2rem; white-space: nowrap; } .marks .kin { color: var(--mark); margin-left: .2rem; }
.map { min-width: 0; grid-row: span 5; margin-bottom: 1rem; } .map .frame { position: relative; aspect-ratio: 1; max-width: 26rem; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; cursor: crosshair; margin-top: .4rem; background: var(--bg); }
.map canvas { position: absolute; inset: 0; width: 100%; height: 100%; } .map svg { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; } .map svg text { font: 12px system-ui, "Liberation Sans", sans-serif; fill: var(--fg); paint-order: stroke; stroke: var(--bg); stroke-width: 3.5px; stroke-linejoin: round; }
.map .ray { stroke: var(--real); stroke-width: 1.2; opacity: .7; } .map .dot { fill: var(--bg); stroke: var(--real); stroke-width: 2; } .map .hit .dot { fill: var(--real); } .map .self { fill: var(--fg); } .map text.self { font-weight: 700; } .map .ring { fill: none; stroke: var(--fg); stroke-width: 2; }
.shared { margin-top: .8rem; padding: .45rem .7rem; background: var(--soft); border-radius: 6px; min-height: 3.1em; overflow-wrap: anywhere; } .key { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin-top: .5rem; }
.key svg { width: 22px; height: 12px; vertical-align: -1px; } .foot { margin-top: .6rem; }
@container (min-width: 500px) { .columns { grid-template-columns: repeat(auto-fill, minmax(9.3rem, 1fr)); column-gap: 1.1rem; } li { font-size: inherit; grid-template-columns: 1.15rem minmax(0, 1fr) auto; } }`;
const NOBODY = 0xffff; // "no neighbour": the word's vector is zero under that condition

// What the page was given: which words are near which, under each condition.
class NeighbourLists {
  static async load(get) {
    const meta = get("meta"),
      raw = await inflate(get("data")),
      size = meta.conditions.length * meta.k * meta.words.length;
    if (raw.length !== 2 * size) throw new Error(`expected ${2 * size} bytes of payload, found ${raw.length}`);
    return new NeighbourLists(meta, raw, asBytes(get("places")).length ? await inflate(get("places")) : null);
  }
  constructor(meta, raw, places) {
    Object.assign(this, meta, { raw, places, n: meta.words.length });
    this.index = new Map(meta.words.map((word, i) => [word, i]));
    this.folded = meta.words.map((word) => word.toLowerCase());
    this.chance = this.k / (this.n - 1);
  }
  near(condition, i) {
    const size = this.raw.length / 2,
      at = (rank) => (condition * this.k + rank) * this.n + i;
    return Array.from({ length: this.k }, (_, rank) => this.raw[at(rank)] + 256 * this.raw[size + at(rank)]).filter(
      (j) => j !== NOBODY,
    );
  }
  place(i, axis) {
    const o = 4 * i + 2 * axis;
    return (this.places[o] + 256 * this.places[o + 1]) / 65535;
  }
  kin(i, j) {
    return Boolean(this.categories) && this.categories[i] !== null && this.categories[i] === this.categories[j];
  }
  category(i) {
    return this.categories?.[i] ? ` (${this.categories[i]})` : "";
  }
  shared(i, j) {
    return this.features[i].filter((f) => this.features[j].includes(f)).map((f) => this.feature_names[f]);
  }
  find(typed) {
    const exact = this.index.get(typed);
    return exact ?? this.folded.indexOf(typed.toLowerCase());
  }
  beginning(typed) {
    return typed ? this.words.filter((_, i) => this.folded[i].startsWith(typed.toLowerCase())) : [];
  }
}

async function draw({ model, el }) {
  const view = new NeighbourhoodView(model, el, await NeighbourLists.load((key) => model.get(key)));
  return () => view.close();
}

class NeighbourhoodView {
  constructor(model, el, lists) {
    Object.assign(this, { model, lists, self: 0, pointed: null, zoom: false, room: 0 });
    this.quit = new AbortController();
    this.box = mount(el, CSS, model.get("label"));
    this.map = lists.places ? new WordMap(this.box, lists) : null;
    this.makeControls();
    this.listen();
    this.checkTheme = followTheme(this.box, () => this.drawMap(), this.quit.signal);
    this.refresh();
    this.resize.observe(this.columns);
  }
  put(key, value) {
    this.model.set(key, value);
    this.model.save_changes();
  }
  go(i) {
    this.put("word", this.lists.words[i]);
  }
  close() {
    this.quit.abort();
    this.resize.disconnect();
    for (const event of ["change:word", "change:shown"]) this.model.off(event, this.again);
  }

  // -- controls --
  makeControls() {
    const { lists } = this,
      bar = (name, ...parts) => html("div", { class: `bar ${name}` }, ...parts);
    this.input = html("input", { type: "search", autocomplete: "off", spellcheck: "false", list: "words" }); // the id lives in this shadow root
    const words = html("datalist", { id: "words" }, ...lists.words.map((word) => html("option", { value: word })));
    this.status = html("p", { class: "muted", role: "status", "aria-live": "polite" });
    this.columns = html("div", { class: "columns" });
    this.note = html("div", { class: "shared", role: "status", "aria-live": "polite" });
    const any = button("Any word", () => this.go(Math.floor(Math.random() * lists.n)));
    this.box.append(
      bar("search", html("label", {}, "Word", this.input), words, any, this.status),
      this.key(),
      this.columns,
      this.note,
      bar(
        "foot",
        button("Download CSV", () => this.saveCsv()),
      ),
    );
    if (this.map) this.mapBox = this.makeMapBox();
  }
  key() {
    const { lists } = this,
      line = (name) => svg("line", { class: name, x1: 11, x2: 11, y1: 0, y2: 12 });
    const entry = (shape, text) =>
      html("span", {}, svg("svg", { viewBox: "0 0 22 12", "aria-hidden": "true" }, shape), ` ${text}`);
    return html(
      "div",
      { class: "key muted" },
      entry(svg("circle", { class: "this", cx: 11, cy: 6, r: 5 }), "this word"),
      entry(line("mean"), `all ${lists.n} words`),
      entry(line("chance"), `chance ${(lists.k * lists.chance).toFixed(2)} of ${lists.k}`),
      html("span", {}, `✓ also near under ${lists.conditions[0]}`),
      ...(lists.categories ? [html("span", {}, "◆ same category")] : []),
    );
  }
  makeMapBox() {
    this.shownBox = html(
      "select",
      { "aria-label": "Map of the neighbours under" },
      ...this.lists.conditions.map((c) => html("option", { value: c }, c)),
    );
    this.shownBox.addEventListener("change", () => this.put("shown", this.shownBox.value));
    const [zoomBox] = checkbox("Zoom in", (zoom) => {
      this.zoom = zoom;
      this.drawMap();
    });
    const says = `Each point is a word${this.lists.categories ? "; ◆ is the same category" : ""}. Click one to go there; the lists do the same with the keyboard. Two dimensions cannot keep all distances.`;
    return html(
      "div",
      { class: "map", role: "group", "aria-label": "Map of the words" },
      html("div", { class: "bar" }, html("label", {}, "Map of", this.shownBox), zoomBox),
      this.map.element,
      html("p", { class: "muted" }, says),
    );
  }

  // -- from the model to the page --
  refresh() {
    const { lists } = this,
      found = lists.index.get(this.model.get("word"));
    this.self = found ?? 0;
    this.pointed = null;
    this.gold = new Set(lists.near(0, this.self));
    if (this.box.getRootNode().activeElement !== this.input) this.input.value = lists.words[this.self];
    if (this.map) this.shownBox.value = this.model.get("shown");
    const scores = lists.conditions.slice(1).map((name, c) => `${name} ${this.hits(lists.near(c + 1, this.self))}`);
    const all = scores.length ? `: ${scores.join(", ")} of ${lists.k}` : "";
    this.status.textContent = `${lists.n.toLocaleString("en")} words. “${visible(lists.words[this.self])}”${lists.category(this.self)}${all}.`;
    this.columns.replaceChildren(
      ...lists.conditions.map((name, c) => this.column(name, c)),
      ...(this.map ? [this.mapBox] : []),
    );
    this.arrange();
    this.drawMap();
    this.tell();
  }
  hits(list) {
    return list.filter((j) => this.gold.has(j)).length;
  }
  column(name, c) {
    const { lists, self } = this,
      list = lists.near(c, self),
      hits = this.hits(list),
      kin = list.filter((j) => lists.kin(self, j)).length;
    let verdict = c === 0 ? "the reference" : `${hits} of ${lists.k} shared with ${lists.conditions[0]}`;
    if (!list.length) verdict = "zero vector: no neighbours";
    const shown = this.map && name === this.model.get("shown"),
      muted = (text) => html("span", { class: "muted" }, text);
    return html(
      "div",
      { role: "group", class: `column${c === 0 ? " gold" : ""}${shown ? " shown" : ""}`, "aria-label": name },
      html("p", { class: "name" }, name),
      muted(verdict),
      c === 0 ? html("span") : this.score(c, hits),
      muted(lists.category(self) ? `◆ ${kin} of ${lists.k}: ${lists.categories[self]}` : ""),
      html("ol", {}, ...list.map((j, rank) => this.entry(j, rank, c))),
    );
  }
  entry(j, rank, c) {
    const { lists } = this,
      hit = c > 0 && this.gold.has(j),
      kin = lists.kin(this.self, j),
      marks = html("span", { class: "marks", "aria-hidden": "true" });
    if (hit) marks.append(html("span", { title: `also near under ${lists.conditions[0]}` }, "✓"));
    if (kin) marks.append(html("span", { class: "kin", title: "same category" }, "◆"));
    const spoken = `${hit ? `, also near under ${lists.conditions[0]}` : ""}${kin ? ", same category" : ""}`;
    const go = html(
      "button",
      { type: "button", "data-j": j },
      visible(lists.words[j]),
      html("span", { class: "hidden" }, spoken),
    );
    return html(
      "li",
      { class: hit ? "hit" : "", "data-j": j },
      html("span", { "aria-hidden": "true" }, rank + 1),
      go,
      marks,
    );
  }
  // This word, all words and chance on one axis from 0 to k.
  score(c, hits) {
    const { k, chance, overlap, conditions } = this.lists,
      x = (share) => 6 + 128 * share;
    const says = `${hits} of ${k}; all words ${(k * overlap[c]).toFixed(1)}; chance ${(k * chance).toFixed(2)}`;
    const tick = (share, y1, y2, name = "axis") => svg("line", { class: name, x1: x(share), x2: x(share), y1, y2 });
    return svg(
      "svg",
      {
        class: "score",
        viewBox: "0 0 140 34",
        preserveAspectRatio: "xMinYMid meet",
        role: "img",
        "aria-label": `Overlap with ${conditions[0]}: ${says}`,
      },
      svg("title", {}, says),
      svg("line", { class: "axis", x1: x(0), x2: x(1), y1: 13, y2: 13 }),
      tick(0, 10, 16),
      tick(1, 10, 16),
      tick(chance, 5, 21, "chance"),
      tick(overlap[c], 5, 21, "mean"),
      svg("circle", { class: "this", cx: x(hits / k), cy: 13, r: 5 }),
      svg("text", { x: 2, y: 33 }, "0"),
      svg("text", { x: 140, y: 33, "text-anchor": "end" }, k),
    );
  }
  // The map fills what the last row of lists leaves free, if that is wide enough.
  arrange() {
    if (!this.map) return;
    const across = getComputedStyle(this.columns).gridTemplateColumns.split(" ").length,
      free = across - (this.lists.conditions.length % across);
    this.mapBox.style.gridColumn = free >= 2 && free < across ? `span ${free}` : "1 / -1";
  }
  drawMap() {
    const list = this.lists.near(Math.max(0, this.lists.conditions.indexOf(this.model.get("shown"))), this.self);
    this.map?.draw({ self: this.self, near: this.pointed, list, gold: this.gold, zoom: this.zoom });
  }
  point(j) {
    if (j === this.pointed) return;
    this.pointed = j;
    this.tell();
    this.drawMap();
  }
  tell() {
    const { lists, self, pointed } = this;
    for (const item of this.columns.querySelectorAll("li")) item.classList.toggle("near", +item.dataset.j === pointed);
    if (pointed === null || pointed === self) {
      this.note.textContent = `Point at a neighbour to find it in every list${this.map ? " and on the map" : ""}${lists.features ? ", and to see what the two share" : ""}.`;
      return;
    }
    const where = lists.conditions.filter((_, c) => lists.near(c, self).includes(pointed)),
      both = lists.features ? lists.shared(self, pointed) : [];
    const says = where.length
      ? `: near “${visible(lists.words[self])}” under ${where.join(", ")}.`
      : `: not among the ${lists.k} nearest under any condition.`;
    const more = both.length > 12 ? ` and ${both.length - 12} more` : "";
    this.note.replaceChildren(
      html("b", {}, visible(lists.words[pointed])),
      lists.category(pointed) + says,
      ...(lists.features
        ? [html("div", {}, both.length ? `Both: ${both.slice(0, 12).join(", ")}${more}.` : "No feature in common.")]
        : []),
    );
  }

  // -- events --
  listen() {
    const on = (target, event, act) => target.addEventListener(event, act, { signal: this.quit.signal });
    on(this.input, "input", () => this.search(this.input.value.trim()));
    on(this.input, "keydown", (e) => {
      const [first] = e.key === "Enter" ? this.lists.beginning(this.input.value.trim()) : []; // Enter takes the first completion
      if (first === undefined) return;
      this.put("word", first);
      this.input.value = first;
    });
    on(this.columns, "click", (e) => {
      const entry = e.target.closest("li button"),
        c = [...this.columns.children].indexOf(entry?.closest(".column"));
      if (!entry) return;
      this.model.set("word", this.lists.words[+entry.dataset.j]);
      this.model.save_changes();
      this.columns.children[c]?.querySelector("button")?.focus();
    });
    on(this.columns, "pointerover", (e) => {
      if (!e.target.closest(".frame")) this.point(e.target.closest("li") ? +e.target.closest("li").dataset.j : null);
    });
    on(this.columns, "pointerleave", () => this.point(null));
    on(this.columns, "focusin", (e) => e.target.closest("li button") && this.point(+e.target.dataset.j));
    on(this.columns, "keydown", (e) => this.move(e));
    if (this.map) {
      on(this.map.element, "pointermove", (e) => this.point(this.map.under(e)));
      on(this.map.element, "click", (e) => {
        const i = this.map.under(e);
        if (i !== null) this.go(i);
      });
    }
    this.again = () => this.refresh();
    for (const event of ["change:word", "change:shown"]) this.model.on(event, this.again);
    this.resize = new ResizeObserver(() => {
      if (Math.abs(this.columns.clientWidth - this.room) <= 1) return;
      this.room = this.columns.clientWidth;
      this.checkTheme();
      this.arrange();
      this.drawMap();
    });
  }
  search(typed) {
    const at = this.lists.find(typed),
      like = this.lists.beginning(typed);
    if (at >= 0) this.go(at);
    else if (typed === "") this.status.textContent = "Type a word.";
    else if (!like.length) this.status.textContent = `“${typed}” is not among the ${this.lists.n} words.`;
    else
      this.status.textContent = `${like.length} words begin so: ${like.slice(0, 5).join(", ")}${like.length > 5 ? " …" : ""}`;
  }
  // Up and down within a list, left and right between lists.
  move(event) {
    const entry = event.target.closest("li button"),
      step = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] }[event.key];
    if (!entry || !step) return;
    const columns = [...this.columns.querySelectorAll(".column")].map((column) => [
        ...column.querySelectorAll("button"),
      ]),
      c = columns.findIndex((list) => list.includes(entry));
    const target = columns[c + step[0]];
    target?.[Math.min(columns[c].indexOf(entry) + step[1], target.length - 1)]?.focus();
    event.preventDefault();
    event.stopPropagation();
  }
  saveCsv() {
    const { lists, self } = this,
      rows = [["word", "condition", "rank", "neighbour", "also_gold", "same_category"]];
    lists.conditions.forEach((name, c) =>
      lists
        .near(c, self)
        .forEach((j, rank) =>
          rows.push([
            lists.words[self],
            name,
            rank + 1,
            lists.words[j],
            this.gold.has(j),
            lists.categories ? lists.kin(self, j) : "",
          ]),
        ),
    );
    download(
      `neighbours-${lists.words[self].replace(/[^\p{L}\p{N}]+/gu, "_")}.csv`,
      "text/csv",
      "\ufeff" + rows.map(csvRow).join(""),
    );
  }
}
export default { render };
