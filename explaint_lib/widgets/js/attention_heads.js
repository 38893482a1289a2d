// ---- attention_heads.js: all heads at a glance, as one set of radio buttons ----
class HeadGrid {
  constructor(box, choose, signal) {
    this.box = box;
    this.signal = signal;
    this.turn = 0;
    this.element = html("div", {
      class: "heads",
      role: "radiogroup",
      "aria-label": "All heads: rows are layers, columns are heads",
    });
    this.note = html("p", { class: "muted" });
    this.element.addEventListener("click", (event) => {
      const picked = event.target.closest("button");
      if (picked) choose(...this.place(this.buttons.indexOf(picked)));
    });
    this.element.addEventListener("keydown", (event) => {
      const step = { ArrowDown: this.heads, ArrowUp: -this.heads, ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      const next = this.chosen + step;
      if (next >= 0 && next < this.buttons.length) {
        choose(...this.place(next));
        this.buttons[next].focus();
      }
      event.preventDefault();
      event.stopPropagation();
    });
  }
  place(i) {
    return [Math.floor(i / this.heads), i % this.heads];
  }
  rebuild({ layers, heads }, headName) {
    this.heads = heads;
    const mark = (text) => html("span", { "aria-hidden": "true" }, text),
      row = (...cells) => html("div", { role: "presentation" }, ...cells);
    this.buttons = Array.from({ length: layers * heads }, (_, i) => {
      const [layer, head] = this.place(i),
        name = `Layer ${layer}, ${headName(head)}`;
      return html(
        "button",
        { type: "button", role: "radio", "aria-label": name, title: name },
        html("canvas", { width: 1, height: 1 }),
      );
    });
    this.element.style.gridTemplateColumns = `1.1rem repeat(${heads}, minmax(0, 32px))`;
    this.element.replaceChildren(
      row(mark(""), ...Array.from({ length: heads }, (_, head) => mark(head))),
      ...Array.from({ length: layers }, (_, layer) =>
        row(mark(layer), ...this.buttons.slice(layer * heads, (layer + 1) * heads)),
      ),
    );
  }
  select(layer, head) {
    this.chosen = layer * this.heads + head;
    this.buttons.forEach((button, i) =>
      set(button, { "aria-checked": i === this.chosen, tabindex: i === this.chosen ? 0 : -1 }),
    );
  }
  // One layer at a time, between frames: 270 heads never block the page.
  draw(maps, map) {
    const turn = ++this.turn,
      ink = rgb(cssColour(this.box, map.colour));
    const step = (layer) => {
      if (turn !== this.turn || this.signal.aborted) return;
      for (let head = 0; head < this.heads; head++)
        this.thumb(
          this.buttons[layer * this.heads + head].firstChild,
          maps.matrix(map, layer, head),
          maps.items.length,
          ink,
        );
      if (layer + 1 < maps.meta.layers) setTimeout(step, 0, layer + 1);
    };
    setTimeout(step, 0, 0);
    const names = maps.meta.head_names;
    tell(
      this.note,
      `All ${names ? "maps" : "heads"} (rows: layers, columns: ${names ? names.map((n, i) => `${i} ${n}`).join(", ") : "heads"})${maps.list.length > 1 ? `, ${map.name}` : ""}: darker is more weight, on one scale for all.`,
    );
  }
  // Long texts: a pixel is the strongest weight in its patch. Opacity is the root of the weight: diffuse heads stay visible.
  thumb(canvas, matrix, m, ink) {
    const side = Math.min(m, 40),
      peak = new Float32Array(side * side),
      brush = canvas.getContext("2d");
    for (let q = 0; q < m; q++)
      for (let k = 0; k < m; k++) {
        const spot = Math.floor((q * side) / m) * side + Math.floor((k * side) / m);
        if (matrix[q * m + k] > peak[spot]) peak[spot] = matrix[q * m + k];
      }
    canvas.width = canvas.height = side;
    const image = brush.createImageData(side, side);
    peak.forEach((weight, spot) => image.data.set([...ink, 255 * Math.sqrt(weight)], 4 * spot));
    brush.putImageData(image, 0, 0);
  }
}
