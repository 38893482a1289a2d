// ---- neighbourhood.js: one word, its nearest words under each condition, and a map linked to the lists ----
const CSS = `
.ex { --kind0: #4c0d5c; --kind1: #577bdf; --kind2: #ad7729; --kind3: #dc5085; --kind4: #241198; --kind5: #711f0c; }
.ex[data-theme=dark] { --kind0: #34e3f9; --kind1: #8263f2; --kind2: #b6ac0b; --kind3: #af5190; --kind4: #bce2a0; --kind5: #3a8434; }
.swatch { width: 12px; height: 12px; flex: none; vertical-align: -1px; margin-right: .25rem; } .kinds { max-height: 7rem; overflow: auto; scrollbar-width: thin; }
.search { margin-top: .7rem; } .search input { width: 13rem; } .ex > [role=status] { margin-top: .35rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.4rem, 1fr)); column-gap: .9rem; margin-top: .9rem; }
.column { min-width: 0; display: grid; grid-row: span 6; grid-template: subgrid / minmax(0, 1fr); align-content: start; margin-bottom: 1.1rem; border-top: 3px solid var(--line); padding-top: .35rem; } .column.gold { border-top-color: var(--fg); } .column.shown { border-top-color: var(--real); } .column.control { border-top-style: dashed; border-top-color: var(--control); }
.column .name { line-height: 1.25; overflow-wrap: anywhere; } .column .muted { line-height: 1.35; }
.score { display: block; width: 100%; height: 30px; margin: .05rem 0 .1rem; overflow: visible; } .score text { font: 11px system-ui, "Liberation Sans", sans-serif; fill: var(--muted); } .axis { stroke: var(--edge); }
.this { fill: var(--real); } .score.kin .this { fill: var(--mark); } .mean { stroke: var(--fg); stroke-width: 2; } .chance { stroke: var(--control); stroke-width: 2; stroke-dasharray: 3 2; }
ol { list-style: none; margin: .2rem 0 0; padding: 0; } li { display: grid; grid-template-columns: .95rem minmax(0, 1fr) auto; align-items: center; min-height: 1.75rem; border-radius: 5px; font-size: .86rem; }
li > span:first-child { color: var(--muted); font-size: .75rem; font-variant-numeric: tabular-nums; } li button { all: unset; display: flex; align-items: center; cursor: pointer; padding: .12rem .1rem; letter-spacing: -.005em; border-radius: 4px; overflow-wrap: anywhere; line-height: 1.25; min-height: 1.5rem; box-sizing: border-box; }
li button span { min-width: 0; } li button:hover { text-decoration: underline; } li button:focus-visible { outline: 2px solid var(--focus); } li.hit button { font-weight: 650; } li.near { background: var(--soft); box-shadow: inset 0 0 0 1px var(--edge); }
.marks { color: var(--real); font-size: .8rem; white-space: nowrap; } .marks .kin { color: var(--mark); margin-left: .1rem; }
.map { min-width: 0; grid-row: span 6; margin-bottom: 1rem; } .map .frame { position: relative; aspect-ratio: 1; max-width: 26rem; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; cursor: crosshair; margin-top: .4rem; background: var(--bg); }
.map.wide { display: grid; grid-template-columns: minmax(0, 26rem) minmax(12rem, 1fr); gap: 0 1.2rem; align-items: start; } .map.wide .bar { grid-column: 1 / -1; } .map.wide .shared { margin-top: .4rem; } .map .muted { margin-top: .4rem; } .map.beside .frame { max-width: 19rem; }
.map.roomy { display: grid; grid-template-columns: minmax(0, 19rem) minmax(8rem, 1fr); gap: 0 1.2rem; align-content: start; } .map.roomy .bar { grid-column: 1 / -1; }
.map canvas { position: absolute; inset: 0; width: 100%; height: 100%; } .map svg { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; } .map svg text { font: 12px system-ui, "Liberation Sans", sans-serif; fill: var(--fg); paint-order: stroke; stroke: var(--bg); stroke-width: 3.5px; stroke-linejoin: round; }
.map .ray { stroke: var(--real); stroke-width: 1.2; opacity: .7; } .map .dot { fill: var(--bg); stroke: var(--real); stroke-width: 2; } .map .hit .dot { fill: var(--real); } .map .self { fill: var(--fg); } .map text.self { font-weight: 700; } .map .ring { fill: none; stroke: var(--fg); stroke-width: 2; }
.shared { margin-top: .8rem; padding: .45rem .7rem; background: var(--soft); border-radius: 6px; min-height: 3.1em; overflow-wrap: anywhere; } .key { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin-top: .5rem; }
.key svg { width: 22px; height: 12px; vertical-align: -1px; } .foot { margin-top: .6rem; }
@container (min-width: 500px) { .columns { grid-template-columns: repeat(auto-fill, minmax(9.3rem, 1fr)); column-gap: 1.1rem; } li { font-size: inherit; grid-template-columns: 1.1rem minmax(0, 1fr) auto; } }`;
async function open({ model, el }) {
  return new NeighbourhoodView(model, el, await NeighbourLists.load((key) => model.get(key)));
}

const STATE = ["word", "shown", "colours"];
class NeighbourhoodView extends NeighbourhoodControls {
  constructor(model, el, lists) {
    super();
    Object.assign(this, { model, lists, self: 0, pointed: null, zoom: false, room: 0, dealt: null });
    this.quit = new AbortController();
    this.box = mount(el, CSS, model.get("label"));
    this.makeControls();
    this.listen();
    this.checkTheme = followTheme(this.box, () => this.drawMap(), this.quit.signal);
    this.furnish();
    this.resize.observe(this.columns);
    model.send({ type: "hello" }); // only a live kernel answers
  }
  put(values) {
    for (const [key, value] of Object.entries(values)) this.model.set(key, value);
    this.model.save_changes();
  }
  go(i) {
    this.put({ word: this.lists.words[i] });
  }
  close() {
    this.quit.abort();
    this.resize.disconnect();
    for (const [event, act] of Object.entries(this.handlers)) this.model.off(event, act);
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
    this.colourInput.checked = this.model.get("colours");
    const blind = Boolean(this.dealt) && !this.dealt.named,
      scores = lists.conditions.slice(1).map((name, c) => `${name} ${this.hits(lists.near(c + 1, this.self))}`);
    const all = scores.length && !blind ? `: ${scores.join(", ")} of ${lists.k}` : "",
      kind = blind ? "" : lists.category(this.self);
    tell(this.status, `${lists.n.toLocaleString("en")} words. “${visible(lists.words[this.self])}”${kind}${all}.`);
    this.box.classList.toggle("asking", blind);
    this.keyBox.replaceChildren(...this.key());
    this.columns.replaceChildren(
      ...this.shownColumns().map(([name, c]) => this.column(name, c, blind)),
      ...(this.map ? [this.mapBox] : []),
    );
    this.arrange();
    this.drawMap();
    this.tell();
  }
  // [name, condition] a column; while the reader guesses, the lists as they were dealt.
  shownColumns() {
    const { dealt, lists } = this;
    if (!dealt) return lists.conditions.map((name, c) => [name, c]);
    const letters = dealt.order.map((c, slot) => [`List ${LETTERS[slot]}${dealt.named ? `: ${lists.conditions[c]}` : ""}`, c]);
    return dealt.named && !dealt.order.includes(0) ? [[lists.conditions[0], 0], ...letters] : letters;
  }
  hits(list) {
    return list.filter((j) => this.gold.has(j)).length;
  }
  column(name, c, blind) {
    const { lists, self } = this,
      list = lists.near(c, self),
      hits = this.hits(list),
      kin = lists.kinCount(self, list),
      control = lists.controls.includes(lists.conditions[c]) && !blind;
    let verdict = c === 0 ? "the reference" : `${hits} of ${lists.k} shared with ${lists.conditions[0]}`;
    if (!list.length) verdict = "no vector, so no neighbours";
    const shown = this.map && !blind && lists.conditions[c] === this.model.get("shown"),
      muted = (text) => html("span", { class: "muted" }, text),
      own = Boolean(lists.category(self)) && !blind;
    const classes = ["column", c === 0 && !blind ? "gold" : "", shown ? "shown" : "", control ? "control" : ""];
    return html(
      "div",
      { role: "group", class: classes.filter(Boolean).join(" "), "aria-label": name },
      html("p", { class: "name" }, control ? html("span", { "aria-hidden": "true" }, "▲ ") : "", name, control ? html("span", { class: "hidden" }, ", a control") : ""),
      muted(blind && list.length ? "" : verdict),
      c === 0 || blind ? html("span") : this.score(hits, lists.overlap[c], lists.chance, `shared with ${lists.conditions[0]}`),
      own
        ? html(
            "span",
            { class: "muted" },
            this.model.get("colours") && lists.style(self) ? swatch(lists.style(self)) : "◆ ",
            `${kin} of ${lists.k}: ${short(lists.categories[self])}`,
          )
        : html("span"),
      own ? this.score(kin, lists.kinMean[c], lists.kinChance, "of the same category", "kin") : html("span"),
      html("ol", {}, ...list.map((j, rank) => this.entry(j, rank, c, blind))),
    );
  }
  entry(j, rank, c, blind) {
    const { lists } = this,
      hit = c > 0 && !blind && this.gold.has(j),
      kin = !blind && lists.kin(this.self, j),
      coloured = !blind && this.model.get("colours") && lists.categories !== null,
      marks = html("span", { class: "marks", "aria-hidden": "true" });
    if (hit) marks.append(html("span", { title: `also near under ${lists.conditions[0]}` }, "✓"));
    if (kin && !(coloured && lists.style(j))) marks.append(html("span", { class: "kin", title: "same category" }, "◆"));
    const spoken = `${hit ? `, also near under ${lists.conditions[0]}` : ""}${kin ? ", same category" : ""}${coloured && !kin ? lists.category(j) : ""}`;
    const go = html(
      "button",
      { type: "button", "data-j": j },
      ...(coloured ? [swatch(lists.style(j))] : []),
      html("span", {}, visible(lists.words[j])),
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
  score(hits, mean, chance, what, name = "") {
    const { k } = this.lists,
      x = (share) => 6 + 128 * share;
    const says = `${hits} of ${k}; all words ${(k * mean).toFixed(1)}; chance ${(k * chance).toFixed(2)}`;
    const tick = (share, y1, y2, kind = "axis") => svg("line", { class: kind, x1: x(share), x2: x(share), y1, y2 });
    return svg(
      "svg",
      {
        class: `score ${name}`,
        viewBox: "0 0 140 30",
        preserveAspectRatio: "xMinYMid meet",
        role: "img",
        "aria-label": `Neighbours ${what}: ${says}`,
      },
      svg("title", {}, says),
      svg("line", { class: "axis", x1: x(0), x2: x(1), y1: 11, y2: 11 }),
      tick(0, 8, 14),
      tick(1, 8, 14),
      tick(chance, 3, 19, "chance"),
      tick(mean, 3, 19, "mean"),
      name
        ? svg("polygon", { class: "this", points: corners(2, x(hits / k), 11, 6).map((p) => p.map((v) => v.toFixed(1)).join()).join(" ") })
        : svg("circle", { class: "this", cx: x(hits / k), cy: 11, r: 5 }),
      svg("text", { x: 2, y: 29 }, "0"),
      svg("text", { x: 140, y: 29, "text-anchor": "end" }, k),
    );
  }
  // The map fills what the last row of lists leaves free, if that is wide enough.
  arrange() {
    if (!this.map) return;
    const across = getComputedStyle(this.columns).gridTemplateColumns.split(" ").length,
      free = across - (this.shownColumns().length % across);
    // Beside a map that has a row to itself there is room for the note; elsewhere its height would move the lists.
    const beside = free >= 2 && free < across,
      wide = !beside && across > 3;
    this.mapBox.classList.toggle("beside", beside);
    this.mapBox.classList.toggle("roomy", beside && free >= 3);
    if (wide !== this.mapBox.classList.contains("wide")) {
      this.mapBox.classList.toggle("wide", wide);
      if (wide) this.mapBox.lastChild.prepend(this.note);
      else this.columns.after(this.note);
    }
    this.mapBox.style.gridColumn = beside ? `span ${free}` : "1 / -1";
  }
  drawMap() {
    const list = this.lists.near(Math.max(0, this.lists.conditions.indexOf(this.model.get("shown"))), this.self);
    this.map?.draw({ self: this.self, near: this.pointed, list, gold: this.gold, zoom: this.zoom, colours: this.model.get("colours") });
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
    if (this.guessing?.open) return this.note.replaceChildren();
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
    tell(
      this.note,
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
      this.put({ word: first });
      this.input.value = first;
    });
    on(this.columns, "click", (e) => {
      const entry = e.target.closest("li button"),
        c = [...this.columns.children].indexOf(entry?.closest(".column"));
      if (!entry) return;
      if (this.guessing?.open) return;
      this.go(+entry.dataset.j);
      queueMicrotask(() => this.columns.children[c]?.querySelector("button")?.focus()); // after the redraw
    });
    on(this.columns, "pointerover", (e) => {
      if (!e.target.closest(".map")) this.point(e.target.closest("li") ? +e.target.closest("li").dataset.j : null);
    });
    on(this.columns, "pointerleave", () => this.point(null));
    on(this.columns, "focusin", (e) => e.target.closest("li button") && this.point(+e.target.dataset.j));
    on(this.columns, "keydown", (e) => this.move(e));
    const again = once(() => this.refresh());
    this.handlers = {
      "change:word": again,
      "change:shown": again,
      "change:colours": again,
      "change:meta": async () => {
        this.guessing?.stop(false);
        this.lists = await NeighbourLists.load((key) => this.model.get(key));
        this.furnish();
      },
      "msg:custom": (message) => {
        if (message?.type === "alive" && message.compute) this.searchBar.after(this.form);
        if (message?.type !== "error") return;
        this.refresh();
        tell(this.error, message.text);
      },
    };
    for (const [event, act] of Object.entries(this.handlers)) this.model.on(event, act);
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
    else if (!like.length) tell(this.status, `“${typed}” is not among the ${this.lists.n} words.`);
    else
      tell(
        this.status,
        `${like.length} words begin so: ${like.slice(0, 5).map(visible).join(", ")}${like.length > 5 ? " …" : ""}`,
      );
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
  // -- the state as a link --
  snapshot() {
    const state = { kind: "neighbourhood", zoom: this.zoom };
    for (const key of STATE) state[key] = this.model.get(key);
    return state;
  }
  restore(state) {
    const { lists } = this,
      fits = {
        word: (v) => lists.index.has(v),
        shown: (v) => lists.conditions.includes(v),
        colours: (v) => typeof v === "boolean",
      };
    this.guessing?.stop(false);
    this.zoom = state.zoom === true;
    if (this.map) this.zoomInput.checked = this.zoom;
    this.put(Object.fromEntries(STATE.filter((key) => fits[key](state[key])).map((key) => [key, state[key]])));
    this.refresh();
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
      `neighbours-${fileSafe(lists.words[self])}.csv`,
      "text/csv",
      "\ufeff" + rows.map(csvRow).join(""),
    );
  }
}
export default { render };
