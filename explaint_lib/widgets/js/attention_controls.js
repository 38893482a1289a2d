/** What stands around the pictures of an AttentionView. */

import { HeadGrid } from "./attention_heads.js";
import { Reading } from "./attention_reading.js";
import { attentionGuessing, SummaryTable } from "./attention_summaries.js";
import { button, checkbox, html, segmented } from "./dom.js";
import { shareBox } from "./share.js";

/**
 * @typedef {import("./attention.js").AttentionView} AttentionView
 * @typedef {import("./dom.js").Part} Part
 */

export class AttentionControls {
  overview = 0;
  showOverview = (/** @type {number} */ _) => {};

  /** @param {AttentionView} view */
  constructor(view) {
    this.view = view;
    const select = (/** @type {string} */ key, /** @type {string} */ label) => {
      const element = html("select", { "aria-label": label });
      const number = key === "layer" || key === "head";
      element.addEventListener("change", () => view.put({ [key]: number ? +element.value : element.value }));
      return element;
    };
    this.layerBox = select("layer", "Layer");
    this.headBox = select("head", "Head");
    this.combineBox = select("combine", "Show");
    this.measureBox = select("measure", "Fade links by identity");
    const [viewBox, showView] = segmented(
      "Picture",
      [
        ["lines", "Links"],
        ["matrix", "Matrix"],
      ],
      (picture) => view.put({ view: picture }),
    );
    this.viewBox = viewBox;
    this.showView = showView;
    const [mergeBox, mergeInput] = checkbox("Whole words", (merged) => view.put({ merged }));
    this.mergeBox = mergeBox;
    this.mergeInput = mergeInput;
    const [specialBox, specialInput] = checkbox("Special tokens", (shown) => view.put({ show_special: shown }));
    this.specialBox = specialBox;
    this.specialInput = specialInput;
    this.measureLabel = html("label", { class: "veil" }, "Fade links by identity", this.measureBox);
    this.combineLabel = html("label", {}, "Show", this.combineBox);
    this.headWord = html("span");
    this.headLabel = html("label", {}, this.headWord, this.headBox);
    this.grid = new HeadGrid(view.box, (layer, head) => view.put({ layer, head }), view.quit.signal);
    this.overviewBox = html("div");
    this.guessing = attentionGuessing(view);
    this.summaries = new SummaryTable(view);
    this.reading = new Reading(view);
    this.legend = html("p", { class: "muted" });
    this.panelsBox = html("div", { class: "panels" });
    this.error = html("p", { class: "error", role: "alert" });
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
      if (this.sentence.value === view.get("sentence")) return; // nothing new to ask
      this.reading.status.textContent = "Asking the kernel…";
      view.put({ sentence: this.sentence.value });
    });
    const column = (/** @type {Part[]} */ ...parts) => html("div", { class: "controls" }, ...parts);
    view.box.append(
      this.guessing.element,
      html(
        "div",
        { class: "top" },
        html("div", { class: "controls veil" }, this.overviewBox, this.grid.element, this.grid.note),
        column(
          html(
            "div",
            { class: "bar veil" },
            html("label", {}, "Layer", this.layerBox),
            this.combineLabel,
            this.headLabel,
          ),
          html("div", { class: "veil" }, this.viewBox),
          html("div", { class: "bar veil" }, this.specialBox, this.mergeBox),
          this.measureLabel,
          html("div", { class: "veil" }, this.legend),
        ),
      ),
      this.error,
      this.panelsBox,
      this.guessing.told,
      this.reading.status,
      html(
        "div",
        { class: "bar foot veil" },
        button("Download CSV", () => view.saveCsv()),
        button("Download SVG", () => view.saveSvg()),
      ),
      this.summaries.element,
      this.reading.details,
      shareBox(view, view.model.onPage === true),
    );
  }

  /** What depends on the maps: again when the kernel has sent others. */
  rebuild() {
    const { maps } = this.view;
    const { meta } = maps;
    const options = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => html("option", { value: i }, i));
    this.layerBox.replaceChildren(...options(meta.layers));
    this.headBox.replaceChildren(
      ...Array.from({ length: meta.heads }, (_, i) => html("option", { value: i }, meta.head_names?.[i] ?? i)),
    );
    this.headWord.textContent = meta.head_names ? "Map" : "Head";
    this.headBox.setAttribute("aria-label", this.headWord.textContent);
    this.combineLabel.style.display = Object.keys(maps.combinations).length ? "" : "none";
    this.combineBox.replaceChildren(
      html("option", { value: "" }, "one head"),
      ...Object.entries(maps.combinations).map(([value, text]) => html("option", { value }, text)),
    );
    this.measureBox.replaceChildren(
      html("option", { value: "" }, "off"),
      ...Object.keys(meta.identity ?? {}).map((name) => html("option", { value: name }, name)),
    );
    this.measureLabel.style.display = meta.identity ? "" : "none";
    this.mergeBox.style.display = meta.word_ids ? "" : "none";
    this.specialBox.style.display = maps.hasSpecial ? "" : "none";
    this.sentence.value = this.view.get("sentence");
    const several = maps.list.length > 1;
    const names = maps.list.map((map, i) => /** @type {[number, string]} */ ([i, map.name]));
    const [chooser, show] = segmented("Maps in the overview", names, (i) => this.overlook(i));
    this.overview = 0;
    this.showOverview = show;
    show(0);
    this.overviewBox.replaceChildren(...(several ? [chooser] : []));
    this.guessing.element.style.display = several ? "" : "none";
    this.grid.rebuild(meta, (head) => maps.headName(head));
  }

  /** @param {number} i the map that the overview shows */
  overlook(i) {
    this.overview = i;
    this.showOverview(i);
    this.drawGrid();
  }

  drawGrid() {
    this.grid.draw(this.view.maps, this.view.maps.list[this.overview]);
  }

  /** Show the state of the model in every control. */
  refresh() {
    const { view } = this;
    this.layerBox.value = view.get("layer");
    this.headBox.value = view.get("head");
    this.combineBox.value = view.get("combine");
    this.measureBox.value = view.get("measure");
    this.mergeInput.checked = view.get("merged");
    this.specialInput.checked = view.get("show_special");
    this.headLabel.style.display = view.get("combine") ? "none" : "";
    this.showView(view.get("view"));
    this.grid.select(view.get("layer"), view.get("head"));
  }
}
