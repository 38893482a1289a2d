// ---- neighbourhood_controls.js: what stands around the lists of NeighbourhoodView, which extends this class ----
class NeighbourhoodControls {
  makeControls() {
    const bar = (name, ...parts) => html("div", { class: `bar ${name}` }, ...parts);
    this.input = html("input", { type: "search", autocomplete: "off", spellcheck: "false", list: "words" }); // the id lives in this shadow root
    this.completions = html("datalist", { id: "words" });
    this.status = html("p", { class: "muted", role: "status", "aria-live": "polite" });
    this.columns = html("div", { class: "columns" });
    this.note = html("div", { class: "shared veil", role: "status", "aria-live": "polite" });
    this.keyBox = html("div", { class: "veil" });
    this.guessBox = html("div");
    this.error = html("p", { class: "error", role: "alert" });
    const any = button("Any word", () => this.go(Math.floor(Math.random() * this.lists.n)));
    [this.colourBox, this.colourInput] = checkbox("Colour every category", (colours) => this.put({ colours }));
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
      if (!this.own.value.trim() || this.own.value === this.model.get("asked")) return;
      this.status.textContent = "Asking the kernel…";
      this.put({ asked: this.own.value });
    });
    this.searchBar = bar("search veil", html("label", {}, "Word", this.input), this.completions, any, this.colourBox);
    this.box.append(
      this.searchBar,
      this.error,
      this.status,
      this.keyBox,
      this.guessBox,
      this.columns,
      this.note,
      bar(
        "foot veil",
        button("Download CSV", () => this.saveCsv()),
      ),
      shareBox(this, this.model.onPage),
    );
  }
  // What depends on the words: again when the kernel has sent others.
  furnish() {
    const { lists } = this;
    this.completions.replaceChildren(...lists.words.map((word) => html("option", { value: word })));
    this.guessing = lists.conditions.length > 1 ? neighbourhoodGuessing(this) : null;
    this.guessBox.replaceChildren(...(this.guessing ? [this.guessing.element] : []));
    this.colourBox.style.display = lists.categories ? "" : "none";
    this.columns.after(this.note);
    this.map = lists.places ? new WordMap(this.box, lists) : null;
    if (this.map) {
      this.mapBox = this.makeMapBox();
      this.map.element.addEventListener("pointermove", (e) => this.point(this.map.under(e)));
      this.map.element.addEventListener("click", (e) => {
        const i = this.map.under(e);
        if (i !== null) this.go(i);
      });
    }
    this.refresh();
  }
  key() {
    const { lists } = this,
      line = (name) => svg("line", { class: name, x1: 11, x2: 11, y1: 0, y2: 12 });
    const entry = (shape, text) =>
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
    if (!lists.categories || !this.model.get("colours")) return [main];
    const drawn = lists.kinds.slice(0, COLOURS * SHAPES.length),
      rest = lists.kinds.length - drawn.length;
    const kinds = html(
      "div",
      { class: "key muted kinds", role: "group", "aria-label": "Categories", tabindex: 0 },
      ...drawn.map((name, kind) => html("span", {}, swatch(kindStyle(kind)), `${name} ${lists.sizes.get(name)}`)),
      ...(rest ? [html("span", {}, swatch(null), `${rest} smaller categories`)] : []),
    );
    return [main, kinds];
  }
  makeMapBox() {
    this.shownBox = html(
      "select",
      { "aria-label": "Map of the neighbours under" },
      ...this.lists.conditions.map((c) => html("option", { value: c }, c)),
    );
    this.shownBox.addEventListener("change", () => this.put({ shown: this.shownBox.value }));
    const [zoomBox, zoomInput] = checkbox("Zoom in", (zoom) => {
      this.zoom = zoom;
      this.drawMap();
    });
    this.zoomInput = zoomInput;
    zoomInput.checked = this.zoom;
    const says = `Each point is a word${this.lists.categories ? ", ◆ of the same category" : ""}; rings are the neighbours under the condition chosen above, filled where ${this.lists.conditions[0]} agrees. Click one to go there; the lists do the same with the keyboard. Two dimensions cannot keep all distances.`;
    return html(
      "div",
      { class: "map veil", role: "group", "aria-label": "Map of the words" },
      html("div", { class: "bar" }, html("label", {}, "Map of", this.shownBox), zoomBox),
      this.map.element,
      html("div", {}, html("p", { class: "muted" }, says)),
    );
  }
}
