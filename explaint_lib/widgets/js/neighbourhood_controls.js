/** What stands around the lists of a NeighbourhoodView. */

import { button, checkbox, html, svg } from "./dom.js";
import { COLOURS, kindStyle, SHAPES, swatch } from "./neighbourhood_lists.js";
import { shareBox } from "./share.js";

/**
 * @typedef {import("./dom.js").Part} Part
 * @typedef {import("./neighbourhood.js").NeighbourhoodView} NeighbourhoodView
 * @typedef {import("./neighbourhood_lists.js").NeighbourLists} NeighbourLists
 * @typedef {import("./neighbourhood_map.js").WordMap} WordMap
 */

export class NeighbourhoodControls {
  /** @param {NeighbourhoodView} view */
  constructor(view) {
    this.view = view;
    const bar = (/** @type {string} */ name, /** @type {Part[]} */ ...parts) =>
      html("div", { class: `bar ${name}` }, ...parts);
    this.input = html("input", { type: "search", autocomplete: "off", spellcheck: "false", list: "words" }); // the id lives in this shadow root
    this.completions = html("datalist", { id: "words" });
    this.status = html("p", { class: "muted", role: "status", "aria-live": "polite" });
    this.columns = html("div", { class: "columns" });
    this.note = html("div", { class: "shared veil", role: "status", "aria-live": "polite" });
    this.keyBox = html("div", { class: "veil" });
    this.guessBox = html("div");
    this.toldBox = html("div");
    this.error = html("p", { class: "error", role: "alert" });
    const any = button("Any word", () => view.go(Math.floor(Math.random() * view.lists.n)));
    const [colourBox, colourInput] = checkbox("Colour every category", (colours) => view.put({ colours }));
    this.colourBox = colourBox;
    this.colourInput = colourInput;
    this.own = html("input", { type: "text", autocomplete: "off", spellcheck: "false" });
    this.form = html(
      "form",
      { class: "bar search veil" },
      html("label", {}, "Your own words", this.own),
      html("button", { class: "button" }, "Add"),
      html("span", { class: "muted" }, "with commas between them"),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.error.textContent = "";
      if (!this.own.value.trim() || this.own.value === view.model.get("asked")) return;
      this.status.textContent = "Asking the kernel…";
      view.put({ asked: this.own.value });
    });
    this.searchBar = bar("search veil", html("label", {}, "Word", this.input), this.completions, any, this.colourBox);
    view.box.append(
      this.searchBar,
      this.error,
      this.status,
      this.guessBox,
      this.keyBox,
      this.columns,
      this.toldBox,
      this.note,
      bar(
        "foot veil",
        button("Download CSV", () => view.saveCsv()),
      ),
      shareBox(view, view.model.onPage === true),
    );
  }

  /**
   * Return what the signs in the lists mean.
   *
   * @param {NeighbourLists} lists
   * @param {boolean} colours
   */
  key(lists, colours) {
    const line = (/** @type {string} */ name) => svg("line", { class: name, x1: 11, x2: 11, y1: 0, y2: 12 });
    const entry = (/** @type {SVGElement} */ shape, /** @type {string} */ text) =>
      html("span", {}, svg("svg", { viewBox: "0 0 22 12", "aria-hidden": "true" }, shape), ` ${text}`);
    const main = html(
      "div",
      { class: "key muted" },
      entry(svg("circle", { class: "this", cx: 11, cy: 6, r: 5 }), "this word"),
      entry(line("mean"), `all ${lists.n.toLocaleString("en")} words`),
      entry(line("chance"), "chance"),
      html("span", {}, `✓ also near under ${lists.conditions[0]}`),
      ...(lists.categories ? [html("span", {}, "◆ same category")] : []),
      ...(lists.controls.length ? [html("span", {}, "▲ control")] : []),
    );
    if (!lists.categories || !colours) return [main];
    const drawn = lists.kinds.slice(0, COLOURS * SHAPES.length),
      rest = lists.kinds.length - drawn.length;
    const kinds = html(
      "div",
      { class: "key muted kinds", role: "group", "aria-label": "Categories", tabindex: 0 },
      ...drawn.map((name, kind) => html("span", {}, swatch(kindStyle(kind)), `${name} ${lists.sizes.get(name) ?? 0}`)),
      ...(rest ? [html("span", {}, swatch(null), `${rest} smaller categories`)] : []),
    );
    return [main, kinds];
  }
}

/** The map of the words with what stands around it. */
export class MapBox {
  /**
   * @param {NeighbourhoodView} view
   * @param {WordMap} map
   */
  constructor(view, map) {
    const { lists } = view;
    this.map = map;
    this.shown = html(
      "select",
      { "aria-label": "Map of the neighbours under" },
      ...lists.conditions.map((c) => html("option", { value: c }, c)),
    );
    this.shown.addEventListener("change", () => view.put({ shown: this.shown.value }));
    const [zoomBox, zoomInput] = checkbox("Zoom in", (zoom) => view.setZoom(zoom));
    this.zoomInput = zoomInput;
    zoomInput.checked = view.zoom;
    map.element.addEventListener("pointermove", (e) => view.point(map.under(e)));
    map.element.addEventListener("click", (e) => {
      const i = map.under(e);
      if (i !== null) view.go(i);
    });
    const says = `Each point is a word${lists.categories ? ", ◆ of the same category" : ""}; rings are the neighbours under the condition chosen above, filled where ${lists.conditions[0]} agrees. Click one to go there; the lists do the same with the keyboard. Two dimensions cannot keep all distances.`;
    this.beside = html("div", {}, html("p", { class: "muted" }, says));
    this.element = html(
      "div",
      { class: "map veil", role: "group", "aria-label": "Map of the words" },
      html("div", { class: "bar" }, html("label", {}, "Map of", this.shown), zoomBox),
      map.element,
      this.beside,
    );
  }
}
