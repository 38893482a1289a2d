/** One word, its nearest words under each condition, and a map linked to the lists. */

import { download, html, once, targetOf, tell } from "./dom.js";
import { followTheme, mount, rootOf } from "./frame.js";
import { nextEntry } from "./keys.js";
import { columnOf, shownColumns } from "./neighbourhood_columns.js";
import { MapBox, NeighbourhoodControls } from "./neighbourhood_controls.js";
import { neighbourhoodGuessing } from "./neighbourhood_guess.js";
import { NeighbourLists } from "./neighbourhood_lists.js";
import { WordMap } from "./neighbourhood_map.js";
import { CSS } from "./neighbourhood_style.js";
import { living } from "./page.js";
import { fileSafe, visible } from "./text.js";

/**
 * @typedef {import("./types.d.ts").Dealt} Dealt
 * @typedef {import("./types.d.ts").Handlers} Handlers
 * @typedef {import("./types.d.ts").Model} Model
 * @typedef {import("./types.d.ts").View} View
 * @typedef {import("./types.d.ts").ViewState} ViewState
 */

const STATE = ["word", "shown", "colours"];

/** @implements {View} */
export class NeighbourhoodView {
  self = 0;
  /** @type {number | null} */
  pointed = null;
  zoom = false;
  room = 0;
  /** @type {Dealt | null} */
  dealt = null;
  /** @type {Set<number>} */
  gold = new Set();
  /** @type {import("./guess.js").Guessing | null} */
  guessing = null;
  /** @type {MapBox | null} */
  map = null;
  quit = new AbortController();

  /**
   * @param {Model} model
   * @param {Element} el
   * @param {NeighbourLists} lists
   */
  constructor(model, el, lists) {
    this.model = model;
    this.lists = lists;
    this.box = mount(el, CSS, model.get("label"));
    this.controls = new NeighbourhoodControls(this);
    this.resize = this.watchSize();
    this.handlers = this.listenToModel();
    this.listenToReader();
    this.checkTheme = followTheme(this.box, () => this.drawMap(), this.quit.signal);
    this.furnish();
    this.resize.observe(this.controls.columns);
    model.send({ type: "hello" }); // only a live kernel answers
  }

  /** @param {Record<string, unknown>} values */
  put(values) {
    for (const [key, value] of Object.entries(values)) this.model.set(key, value);
    this.model.save_changes();
  }

  /** @param {number} i */
  go(i) {
    this.put({ word: this.lists.words[i] });
  }

  close() {
    this.quit.abort();
    this.resize.disconnect();
    for (const [event, act] of Object.entries(this.handlers)) this.model.off(event, act);
  }

  // -- from the model to the page --
  /** What depends on the words: again when the kernel has sent others. */
  furnish() {
    const { lists, controls } = this;
    controls.completions.replaceChildren(...lists.words.map((word) => html("option", { value: word })));
    this.guessing = lists.conditions.length > 1 ? neighbourhoodGuessing(this) : null;
    controls.guessBox.replaceChildren(...(this.guessing ? [this.guessing.element] : []));
    controls.toldBox.replaceChildren(...(this.guessing ? [this.guessing.told] : []));
    controls.colourBox.style.display = lists.categories ? "" : "none";
    controls.columns.after(controls.note);
    this.map = lists.places ? new MapBox(this, new WordMap(this.box, lists)) : null;
    this.refresh();
  }

  get blind() {
    return this.dealt?.named === false;
  }

  refresh() {
    const { lists, controls, model, blind } = this;
    this.self = lists.index.get(model.get("word")) ?? 0;
    this.pointed = null;
    this.gold = new Set(lists.near(0, this.self));
    const word = lists.words[this.self];
    if (rootOf(this.box).activeElement !== controls.input) controls.input.value = word;
    if (this.map) this.map.shown.value = model.get("shown");
    controls.colourInput.checked = model.get("colours");
    const scores = lists.conditions.slice(1).map((name, c) => `${name} ${this.hits(lists.near(c + 1, this.self))}`);
    const all = scores.length && !blind ? `: ${scores.join(", ")} of ${lists.k}` : "";
    const kind = blind ? "" : lists.category(this.self);
    tell(controls.status, `${lists.n.toLocaleString("en")} words. “${visible(word)}”${kind}${all}.`);
    this.box.classList.toggle("asking", blind);
    controls.keyBox.replaceChildren(...controls.key(lists, model.get("colours")));
    controls.columns.replaceChildren(
      ...shownColumns(this).map(([name, c]) => columnOf(this, name, c)),
      ...(this.map ? [this.map.element] : []),
    );
    this.arrange();
    this.drawMap();
    this.tell();
  }

  /**
   * Return how many of a list are also near under the reference.
   *
   * @param {number[]} list
   */
  hits(list) {
    return list.filter((j) => this.gold.has(j)).length;
  }

  /** Let the map fill what the last row of lists leaves free, if that is wide enough. */
  arrange() {
    if (!this.map) return;
    const { element } = this.map;
    const { columns, note } = this.controls;
    const across = getComputedStyle(columns).gridTemplateColumns.split(" ").length;
    const free = across - (shownColumns(this).length % across);
    // Beside a map that has a row to itself there is room for the note; elsewhere its height would move the lists.
    const beside = free >= 2 && free < across;
    const wide = !beside && across > 3;
    element.classList.toggle("beside", beside);
    element.classList.toggle("roomy", beside && free >= 3);
    if (wide !== element.classList.contains("wide")) {
      element.classList.toggle("wide", wide);
      if (wide) this.map.beside.prepend(note);
      else columns.after(note);
    }
    element.style.gridColumn = beside ? `span ${free}` : "1 / -1";
  }

  drawMap() {
    const { lists, model, self, gold, zoom } = this;
    const list = lists.near(Math.max(0, lists.conditions.indexOf(model.get("shown"))), self);
    this.map?.map.draw({ self, near: this.pointed, list, gold, zoom, colours: model.get("colours") });
  }

  /** @param {boolean} zoom */
  setZoom(zoom) {
    this.zoom = zoom;
    this.drawMap();
  }

  /** @param {number | null} j */
  point(j) {
    if (j === this.pointed) return;
    this.pointed = j;
    this.tell();
    this.drawMap();
  }

  tell() {
    const { lists, self, pointed } = this;
    const { columns, note } = this.controls;
    for (const item of columns.querySelectorAll("li"))
      item.classList.toggle("near", Number(item.dataset.j) === pointed);
    if (this.guessing?.open) return note.replaceChildren();
    if (pointed === null || pointed === self) {
      note.textContent = `Point at a neighbour to find it in every list${this.map ? " and on the map" : ""}${lists.meta.features ? ", and to see what the two share" : ""}.`;
      return;
    }
    const where = lists.conditions.filter((_, c) => lists.near(c, self).includes(pointed));
    const both = lists.shared(self, pointed);
    const says = where.length
      ? `: near “${visible(lists.words[self])}” under ${where.join(", ")}.`
      : `: not among the ${lists.k} nearest under any condition.`;
    const parts = [html("b", {}, visible(lists.words[pointed])), lists.category(pointed) + says];
    if (both) {
      const more = both.length > 12 ? ` and ${both.length - 12} more` : "";
      parts.push(
        html("div", {}, both.length ? `Both: ${both.slice(0, 12).join(", ")}${more}.` : "No feature in common."),
      );
    }
    tell(note, ...parts);
  }

  // -- events --
  listenToReader() {
    const { signal } = this.quit;
    const { input, columns } = this.controls;
    input.addEventListener("input", () => this.search(input.value.trim()), { signal });
    input.addEventListener(
      "keydown",
      (e) => {
        const [first] = e.key === "Enter" ? this.lists.beginning(input.value.trim()) : []; // Enter takes the first completion
        if (first === undefined) return;
        this.put({ word: first });
        input.value = first;
      },
      { signal },
    );
    columns.addEventListener("click", (e) => this.follow(targetOf(e)), { signal });
    columns.addEventListener(
      "pointerover",
      (e) => {
        const entry = targetOf(e).closest("li");
        if (!targetOf(e).closest(".map")) this.point(entry && Number(entry.dataset.j));
      },
      { signal },
    );
    columns.addEventListener("pointerleave", () => this.point(null), { signal });
    columns.addEventListener(
      "focusin",
      (e) => {
        const entry = entryOf(targetOf(e));
        if (entry) this.point(Number(entry.dataset.j));
      },
      { signal },
    );
    columns.addEventListener("keydown", (e) => this.move(e), { signal });
  }

  listenToModel() {
    const again = once(() => this.refresh());
    /** @type {Handlers} */
    const handlers = {
      "change:word": again,
      "change:shown": again,
      "change:colours": again,
      "change:meta": async () => {
        this.guessing?.stop(false);
        this.lists = await NeighbourLists.load((key) => this.model.get(key));
        this.furnish();
      },
      "msg:custom": (message) => {
        if (message?.type === "alive" && message.compute) this.controls.searchBar.after(this.controls.form);
        if (message?.type !== "error") return;
        this.refresh();
        tell(this.controls.error, message.text ?? "");
      },
    };
    for (const [event, act] of Object.entries(handlers)) this.model.on(event, act);
    return handlers;
  }

  watchSize() {
    return new ResizeObserver(() => {
      const { clientWidth } = this.controls.columns;
      if (Math.abs(clientWidth - this.room) <= 1) return;
      this.room = clientWidth;
      this.checkTheme();
      this.arrange();
      this.drawMap();
    });
  }

  /** @param {string} typed */
  search(typed) {
    const { lists } = this;
    const { status } = this.controls;
    const at = lists.find(typed);
    const like = lists.beginning(typed);
    if (at >= 0) this.go(at);
    else if (typed === "") status.textContent = "Type a word.";
    else if (!like.length) tell(status, `“${typed}” is not among the ${lists.n} words.`);
    else
      tell(
        status,
        `${like.length} words begin like this: ${like.slice(0, 5).map(visible).join(", ")}${like.length > 5 ? " …" : ""}`,
      );
  }

  /** @param {Element} target what was clicked */
  follow(target) {
    const entry = entryOf(target);
    if (!entry || this.guessing?.open) return;
    const { columns } = this.controls;
    const c = [...columns.querySelectorAll(".column")].indexOf(/** @type {Element} */ (entry.closest(".column")));
    this.go(Number(entry.dataset.j));
    queueMicrotask(() => columns.children[c]?.querySelector("button")?.focus()); // after the redraw
  }

  /** @param {KeyboardEvent} event */
  move(event) {
    const entry = entryOf(targetOf(event));
    if (!entry) return;
    const columns = [...this.controls.columns.querySelectorAll(".column")].map((column) => [
      ...column.querySelectorAll("button"),
    ]);
    const c = columns.findIndex((list) => list.includes(entry));
    const lengths = columns.map((list) => list.length);
    const next = nextEntry(c, columns[c]?.indexOf(entry) ?? -1, event.key, lengths);
    if (!next) return;
    columns[next[0]]?.[next[1]]?.focus();
    event.preventDefault();
    event.stopPropagation();
  }

  // -- the state as a link --
  /** @returns {ViewState} */
  snapshot() {
    const state = STATE.map((key) => [key, this.model.get(key)]);
    return { kind: "neighbourhood", zoom: this.zoom, ...Object.fromEntries(state) };
  }

  /** @param {ViewState} state */
  restore(state) {
    const { lists } = this;
    /** @type {Record<string, (value: any) => boolean>} */
    const fits = {
      word: (v) => lists.index.has(v),
      shown: (v) => lists.conditions.includes(v),
      colours: (v) => typeof v === "boolean",
    };
    this.guessing?.stop(false);
    this.zoom = state.zoom === true;
    if (this.map) this.map.zoomInput.checked = this.zoom;
    this.put(Object.fromEntries(STATE.filter((key) => fits[key](state[key])).map((key) => [key, state[key]])));
    this.refresh();
  }

  saveCsv() {
    const word = this.lists.words[this.self];
    download(`neighbours-${fileSafe(word)}.csv`, "text/csv", this.lists.csv(this.self));
  }
}

/**
 * Return the word in a list that an element belongs to, or null.
 *
 * @param {Element} target
 */
const entryOf = (target) => /** @type {HTMLButtonElement | null} */ (target.closest("li button"));

export default living(
  async ({ model, el }) => new NeighbourhoodView(model, el, await NeighbourLists.load((key) => model.get(key))),
);
