// ---- attention_controls.js: what stands around the pictures of AttentionView, which extends this class ----
class AttentionControls {
  makeControls() {
    const select = (key, label) => {
      const element = html("select", { "aria-label": label });
      const number = key === "layer" || key === "head";
      element.addEventListener("change", () => this.put({ [key]: number ? +element.value : element.value }));
      return element;
    };
    this.layerBox = select("layer", "Layer");
    this.headBox = select("head", "Head");
    this.combineBox = select("combine", "Show");
    this.measureBox = select("measure", "Fade links by identity");
    [this.viewBox, this.showView] = segmented(
      "Picture",
      [
        ["lines", "Links"],
        ["matrix", "Matrix"],
      ],
      (view) => this.put({ view }),
    );
    [this.mergeBox, this.mergeInput] = checkbox("Whole words", (merged) => this.put({ merged }));
    [this.specialBox, this.specialInput] = checkbox("Special tokens", (shown) => this.put({ show_special: shown }));
    this.measureLabel = html("label", { class: "veil" }, "Fade links by identity", this.measureBox);
    this.combineLabel = html("label", {}, "Show", this.combineBox);
    this.headWord = html("span");
    this.headLabel = html("label", {}, this.headWord, this.headBox);
    this.grid = new HeadGrid(this.box, (layer, head) => this.put({ layer, head }), this.quit.signal);
    this.overviewBox = html("div");
    this.guessing = attentionGuessing(this);
    this.summaries = new SummaryTable(this);
    this.legend = html("p", { class: "muted" });
    this.panelsBox = html("div", { class: "panels" });
    this.status = html("div", { class: "status", role: "status", "aria-live": "polite" });
    this.table = html("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Weights as a table" });
    this.details = html("details", { class: "veil" }, html("summary", {}, "Numbers as a table"), this.table);
    this.error = html("p", { class: "error", role: "alert" });
    this.details.addEventListener("toggle", () => this.fillTable());
    this.sentence = html("input", { type: "text", autocomplete: "off" });
    this.form = html(
      "form",
      { class: "bar" },
      html("label", {}, "Your own sentence", this.sentence),
      html("button", { class: "button" }, "Recompute"),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.error.textContent = "";
      if (this.sentence.value === this.get("sentence")) return; // nothing new to ask
      this.status.textContent = "Asking the kernel…";
      this.put({ sentence: this.sentence.value });
    });
    const bar = (...parts) => html("div", { class: "bar" }, ...parts),
      column = (...parts) => html("div", { class: "controls" }, ...parts);
    this.box.append(
      html(
        "div",
        { class: "top" },
        html(
          "div",
          { class: "controls veil" },
          this.overviewBox,
          this.grid.element,
          this.grid.note,
        ),
        column(
          html(
            "div",
            { class: "bar veil" },
            html("label", {}, "Layer", this.layerBox),
            this.combineLabel,
            this.headLabel,
          ),
          this.viewBox,
          bar(this.specialBox, this.mergeBox),
          this.measureLabel,
          this.legend,
        ),
      ),
      this.guessing.element,
      this.error,
      this.panelsBox,
      this.status,
      html(
        "div",
        { class: "bar foot veil" },
        button("Download CSV", () => this.saveCsv()),
        button("Download SVG", () => this.saveSvg()),
      ),
      this.summaries.element,
      this.details,
      shareBox(this, this.model.onPage),
    );
  }
  rebuildControls() {
    const { meta } = this.maps,
      options = (n) => Array.from({ length: n }, (_, i) => html("option", { value: i }, i));
    this.layerBox.replaceChildren(...options(meta.layers));
    this.headBox.replaceChildren(
      ...Array.from({ length: meta.heads }, (_, i) => html("option", { value: i }, meta.head_names?.[i] ?? i)),
    );
    this.headWord.textContent = meta.head_names ? "Map" : "Head";
    this.headBox.setAttribute("aria-label", this.headWord.textContent);
    this.combineLabel.style.display = Object.keys(this.maps.combinations).length ? "" : "none";
    this.combineBox.replaceChildren(
      html("option", { value: "" }, "one head"),
      ...Object.entries(this.maps.combinations).map(([value, text]) => html("option", { value }, text)),
    );
    this.measureBox.replaceChildren(
      html("option", { value: "" }, "off"),
      ...Object.keys(meta.identity ?? {}).map((name) => html("option", { value: name }, name)),
    );
    this.measureLabel.style.display = meta.identity ? "" : "none";
    this.mergeBox.style.display = meta.word_ids ? "" : "none";
    this.specialBox.style.display = this.maps.hasSpecial ? "" : "none";
    this.sentence.value = this.get("sentence");
    const several = this.maps.list.length > 1,
      names = this.maps.list.map((map, i) => [i, map.name]),
      [chooser, show] = segmented("Maps in the overview", names, (i) => this.overlook(i));
    this.overview = 0;
    this.showOverview = show;
    show(0);
    this.overviewBox.replaceChildren(...(several ? [chooser] : []));
    this.guessing.element.style.display = several ? "" : "none";
    this.grid.rebuild(meta, (head) => this.maps.headName(head));
  }
  overlook(i) {
    this.overview = i;
    this.showOverview(i);
    this.drawGrid();
  }
}
