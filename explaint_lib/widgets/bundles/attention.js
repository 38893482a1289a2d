// explaint_lib/widgets/js/text.js
var plain = (text) => text.replace(
  /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu,
  (character, at) => {
    if (/[\u200c\u200d]/.test(character) && text.charCodeAt(at - 1) > 127) return character;
    const code = Number(character.codePointAt(0));
    const [mark, digits] = code < 256 ? ["x", 2] : code < 65536 ? ["u", 4] : ["U", 8];
    return `\\${mark}${code.toString(16).padStart(Number(digits), "0")}`;
  }
);
var short = (text) => text.length > 200 ? `${Array.from(text.slice(0, 200)).slice(0, -1).join("")}…` : text;
var visible = (text) => plain(
  short(text).replace(/[\r\n\u2028\u2029]/g, "↵").replace(/\t/g, "⇥").replace(/^ +$/, "␣")
) || "∅";
var csvRow = (cells) => `${cells.map((c) => typeof c === "string" ? c.replace(/^[=+\-@\t\r\n＝＋－＠']/, "'$&") : String(c)).map((c) => /[",\r\n\u2028\u2029]/.test(c) ? `"${c.replaceAll('"', '""')}"` : c).join(",")}\r
`;
var csvFile = (rows) => `\uFEFF${rows.map(csvRow).join("")}`;
var fileSafe = (text) => text.replace(/[^\p{L}\p{N}]+/gu, "_").slice(0, 60);

// explaint_lib/widgets/js/dom.js
var plainly = (part) => typeof part === "object" ? part : plain(String(part));
function set(element, props) {
  for (const [key2, value] of Object.entries(props))
    element.setAttribute(key2, key2 === "aria-label" || key2 === "title" ? plain(String(value)) : String(value));
  return element;
}
function put(element, props, children) {
  const given = Object.entries(props).filter(([, value]) => value !== null && value !== void 0 && value !== false);
  set(element, Object.fromEntries(given.map(([key2, value]) => [key2, value === true ? "" : value])));
  element.append(...children.map(plainly));
  return element;
}
var tell = (element, ...parts) => element.replaceChildren(...parts.map(plainly));
var html = (tag, props = {}, ...children) => put(document.createElement(tag), props, children);
var svg = (tag, props = {}, ...children) => put(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
function segmented(legend, choices, choose) {
  const inputs = /* @__PURE__ */ new Map();
  const box = html("fieldset", { class: "seg" }, html("legend", { class: "hidden" }, legend));
  for (const [value, text] of choices) {
    const input = html("input", { type: "radio", name: legend, value });
    input.addEventListener("change", () => choose(value));
    inputs.set(value, input);
    box.append(html("label", {}, input, text));
  }
  return [
    box,
    (value) => {
      for (const [v, input] of inputs) input.checked = v === value;
    }
  ];
}
function checkbox(text, choose) {
  const input = html("input", { type: "checkbox" });
  input.addEventListener("change", () => choose(input.checked));
  return [html("label", {}, input, text), input];
}
function button(text, act, props = {}) {
  const element = html("button", { type: "button", class: "button", ...props }, text);
  element.addEventListener("click", act);
  return element;
}
function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  html("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1e3);
}
var FONT = '13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif';
var pen;
function widthOf(text) {
  pen ??= brushOf(html("canvas"));
  pen.font = FONT;
  return pen.measureText(text).width;
}
function fit(text, room) {
  if (widthOf(text.slice(0, 400)) <= room && text.length <= 400) return text;
  const points = Array.from(text.slice(0, 400));
  while (points.length > 1 && widthOf(`${points.join("")}…`) > room) points.pop();
  return `${points.join("")}…`;
}
function brushOf(canvas) {
  const brush = canvas.getContext("2d");
  if (!brush) throw new Error("this browser draws on no canvas");
  return brush;
}
function once(act) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      act();
    });
  };
}
var targetOf = (event) => (
  /** @type {Element} */
  event.target
);

// explaint_lib/widgets/js/style.js
var CSS_BASE = `
:host { display: block; }
.ex { --fg: #1b1f27; --muted: #565f6d; --line: #d4d9e1; --edge: #8a93a1; --soft: #f2f5f9; --real: #0068a8; --control: #b34700;
  --mark: #7a3c86; --focus: #0068a8; --bg: var(--jp-layout-color0, var(--pst-color-background, Canvas));
  container-type: inline-size; box-sizing: border-box; overflow-wrap: break-word; color: var(--fg); background: var(--bg); border: 1px solid var(--line);
  border-radius: 10px; padding: .9rem 1rem 1rem; font: 14px/1.45 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
.ex[data-theme=dark] { --fg: #e8ebf1; --muted: #aab3c0; --line: #3a424e; --edge: #7d8796; --soft: #232a34; --real: #6fbcf5; --control: #f5a15f;
  --mark: #d9a5e3; --focus: #6fbcf5; color-scheme: dark; }
.ex *, .ex *::before { box-sizing: border-box; }
.ex .title { font-size: 1.05rem; font-weight: 650; line-height: 1.3; letter-spacing: -.005em; text-wrap: balance; }
.ex .name { font-size: .95rem; font-weight: 650; }
.ex p { margin: 0; } .ex .muted { color: var(--muted); font-size: .86rem; } .ex b { font-weight: 650; }
.ex .bar { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: center; }
.ex label { display: inline-flex; gap: .4rem; align-items: center; min-width: 0; max-width: 100%; } .ex select { min-width: 0; } .ex .bar > * { min-width: 0; max-width: 100%; }
.ex select, .ex input[type=text], .ex input[type=search], .ex .button { font: inherit; color: inherit; background: var(--bg);
  border: 1px solid var(--edge); border-radius: 6px; padding: .2rem .5rem; min-height: 2rem; max-width: 100%; }
.ex .button { cursor: pointer; } .ex .button:hover { background: var(--soft); }
.ex input[type=checkbox] { accent-color: var(--focus); width: 1rem; height: 1rem; margin: 0; }
.ex :focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.ex .seg { display: inline-flex; border: 1px solid var(--edge); border-radius: 6px; padding: 0; margin: 0; overflow: clip; min-width: 0; max-width: 100%; justify-self: start; }
.ex .seg label { overflow-wrap: anywhere; padding: .2rem .7rem; cursor: pointer; min-height: 1.9rem; }
.ex .seg label + label { border-left: 1px solid var(--edge); }
.ex .seg label:has(:checked) { background: var(--focus); color: var(--bg); font-weight: 600; }
.ex .seg label:has(:focus-visible) { box-shadow: inset 0 0 0 2px var(--bg), inset 0 0 0 3px var(--fg); }
.ex .seg input, .ex .hidden { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; opacity: 0; clip-path: inset(50%); white-space: nowrap; }
.ex table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
.ex th, .ex td { text-align: left; padding: .12rem .7rem .12rem 0; border-bottom: 1px solid var(--line); font-weight: normal; overflow-wrap: anywhere; } .ex th { overflow-wrap: break-word; }
.ex thead th { font-weight: 650; } .ex caption { text-align: left; padding-bottom: .3rem; color: var(--muted); } .ex .num { text-align: right; }
.ex summary { cursor: pointer; } .ex .scroll { overflow: auto; max-height: 20rem; }
.ex .error { border-left: 4px solid var(--control); padding: .3rem .8rem; margin-top: .6rem; overflow-wrap: anywhere; } .ex .error:empty { display: none; }
.ex .strong { background: var(--focus); border-color: var(--focus); color: var(--bg); font-weight: 600; } .ex .strong:hover { background: var(--fg); border-color: var(--fg); }
.ex .guess { margin: .5rem 0 .7rem; scroll-margin-top: 4rem; display: grid; grid-template-columns: minmax(0, 1fr); gap: .45rem; } .ex .playing { border: 2px solid var(--focus); border-radius: 8px; padding: .6rem .8rem; } .ex.asking .veil { display: none; }
.ex .said { min-height: 2.9em; } @container (max-width: 420px) { .ex .said { min-height: 4.4em; } } .ex .told { margin-top: .5rem; } .ex .told:empty { display: none; }
.ex details { margin-top: .5rem; } .ex .share input { flex: 1 1 12rem; min-width: 0; } .ex .share p { margin-top: .3rem; }
.ex .failed { border-left: 4px solid var(--control); padding: .3rem .8rem; }
@media (prefers-reduced-motion: no-preference) { .ex .ease { transition: opacity .15s; } }
@media (forced-colors: active) { .ex .seg label:has(:checked) { outline: 2px solid Highlight; outline-offset: -2px; } }
`;

// explaint_lib/widgets/js/frame.js
function mount(el, css, label) {
  const host = html("div", { "data-lm-suppress-shortcuts": "true" });
  el.replaceChildren(host);
  const style = html("style");
  style.textContent = CSS_BASE + css;
  const box = html("div", { class: "ex" }, html("p", { class: "title" }, label));
  host.attachShadow({ mode: "open" }).append(style, box);
  return box;
}
var rootOf = (box) => (
  /** @type {ShadowRoot} */
  box.getRootNode()
);
function complain(el, error) {
  const box = mount(el, "", "This interactive figure could not be drawn");
  box.append(
    html(
      "p",
      { class: "failed", role: "alert" },
      `Its data could not be read (${error instanceof Error ? error.message : error}). The rest of the page is not affected; run the chapter's notebook, or build the book again, to get a whole copy.`
    )
  );
  console.warn("[explaint]", error);
}
function followTheme(box, repaint, signal) {
  const look = () => {
    const ground = getComputedStyle(box).backgroundColor;
    const [red, green, blue] = ground.match(/[\d.]+/g)?.map(Number) ?? [255, 255, 255];
    const top = ground.startsWith("rgb") ? 255 : 1;
    const theme = (0.2126 * red + 0.7152 * green + 0.0722 * blue) / top < 0.45 ? "dark" : "light";
    if (box.dataset.theme === theme) return;
    const first = box.dataset.theme === void 0;
    box.dataset.theme = theme;
    if (!first) repaint();
  };
  const later = () => requestAnimationFrame(look);
  const watch = new MutationObserver(later);
  for (const node of [document.documentElement, document.body])
    watch.observe(node, {
      attributes: true,
      attributeFilter: ["data-theme", "data-mode", "data-jp-theme-light", "data-jp-theme-name", "class", "style"]
    });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later, { signal });
  signal.addEventListener("abort", () => watch.disconnect());
  look();
  return look;
}
var cssColour = (box, name) => getComputedStyle(box).getPropertyValue(name).trim();
var rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

// explaint_lib/widgets/js/keys.js
var NONE = { q: null, k: null };
var sameSpot = (a, b) => a === b || a !== null && b !== null && a.q === b.q && a.k === b.k;
function nextSpot(spot, key2, n, matrix) {
  const steps = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1, Home: -n, End: n };
  if (!Object.hasOwn(steps, key2)) return null;
  const step = steps[key2];
  const upright = /Up|Down|Home|End/.test(key2);
  const move = (i) => Math.max(0, Math.min(n - 1, Number(i) + step));
  if (matrix) return upright ? { ...spot, q: move(spot.q) } : { ...spot, k: move(spot.k) };
  const side = spot.q === null ? "k" : "q";
  if (upright) return { ...spot, [side]: move(spot[side]) };
  return { ...spot, q: null, k: null, [step > 0 ? "k" : "q"]: spot[side] };
}
function nextHead(chosen, key2, heads, count) {
  const steps = { ArrowDown: heads, ArrowUp: -heads, ArrowRight: 1, ArrowLeft: -1 };
  if (!Object.hasOwn(steps, key2)) return null;
  const next = chosen + steps[key2];
  return next >= 0 && next < count ? next : chosen;
}

// explaint_lib/widgets/js/attention_heads.js
var HeadGrid = class {
  turn = 0;
  heads = 1;
  chosen = 0;
  /** @type {HTMLButtonElement[]} */
  buttons = [];
  /**
   * @param {Element} box where colours are read
   * @param {(layer: number, head: number) => void} choose
   * @param {AbortSignal} signal ends the drawing
   */
  constructor(box, choose, signal) {
    this.box = box;
    this.signal = signal;
    this.element = html("div", {
      class: "heads",
      role: "radiogroup",
      "aria-label": "All heads: rows are layers, columns are heads"
    });
    this.note = html("p", { class: "muted" });
    this.element.addEventListener("click", (event) => {
      const picked = targetOf(event).closest("button");
      if (picked) choose(...this.place(this.buttons.indexOf(picked)));
    });
    this.element.addEventListener("keydown", (event) => {
      const next = nextHead(this.chosen, event.key, this.heads, this.buttons.length);
      if (next === null) return;
      if (next !== this.chosen) {
        choose(...this.place(next));
        this.buttons[next].focus();
      }
      event.preventDefault();
      event.stopPropagation();
    });
  }
  /**
   * @param {number} i
   * @returns {[layer: number, head: number]}
   */
  place(i) {
    return [Math.floor(i / this.heads), i % this.heads];
  }
  /**
   * @param {{ layers: number, heads: number }} meta
   * @param {(head: number) => string} headName
   */
  rebuild({ layers, heads }, headName) {
    this.heads = heads;
    const mark = (text) => html("span", { "aria-hidden": "true" }, text);
    const row = (...cells) => html("div", { role: "presentation" }, ...cells);
    this.buttons = Array.from({ length: layers * heads }, (_, i) => {
      const [layer, head] = this.place(i), name = `Layer ${layer}, ${headName(head)}`;
      return html(
        "button",
        { type: "button", role: "radio", "aria-label": name, title: name },
        html("canvas", { width: 1, height: 1 })
      );
    });
    this.element.style.gridTemplateColumns = `1.1rem repeat(${heads}, minmax(24px, 32px))`;
    this.element.replaceChildren(
      row(mark(""), ...Array.from({ length: heads }, (_, head) => mark(head))),
      ...Array.from(
        { length: layers },
        (_, layer) => row(mark(layer), ...this.buttons.slice(layer * heads, (layer + 1) * heads))
      )
    );
  }
  /**
   * @param {number} layer
   * @param {number} head
   */
  select(layer, head) {
    this.chosen = layer * this.heads + head;
    for (const [i, button2] of this.buttons.entries())
      set(button2, { "aria-checked": i === this.chosen, tabindex: i === this.chosen ? 0 : -1 });
  }
  /**
   * Draw every map: one layer at a time, between frames, so that 270 heads never block the page.
   *
   * @param {AttentionMaps} maps
   * @param {AttentionMap} map
   */
  draw(maps, map) {
    const turn = ++this.turn, ink = rgb(cssColour(this.box, map.colour));
    const step = (layer) => {
      if (turn !== this.turn || this.signal.aborted) return;
      for (let head = 0; head < this.heads; head++)
        this.thumb(
          /** @type {HTMLCanvasElement} */
          this.buttons[layer * this.heads + head].firstChild,
          maps.matrix(map, layer, head),
          maps.items.length,
          ink
        );
      if (layer + 1 < maps.meta.layers) setTimeout(step, 0, layer + 1);
    };
    setTimeout(step, 0, 0);
    const names = maps.meta.head_names;
    tell(
      this.note,
      `All ${names ? "maps" : "heads"} (rows: layers, columns: ${names ? names.map((n, i) => `${i} ${n}`).join(", ") : "heads"})${maps.list.length > 1 ? `, ${map.name}` : ""}: darker is more weight, on one scale for all.`
    );
  }
  /**
   * Draw one map small. Long texts: a pixel is the strongest weight in its patch. Opacity is the root of the weight, so
   * that diffuse heads stay visible.
   *
   * @param {HTMLCanvasElement} canvas
   * @param {Float32Array} matrix
   * @param {number} m
   * @param {number[]} ink
   */
  thumb(canvas, matrix, m, ink) {
    const side = Math.min(m, 40), peak = new Float32Array(side * side), brush = brushOf(canvas);
    for (let q = 0; q < m; q++)
      for (let k = 0; k < m; k++) {
        const spot = Math.floor(q * side / m) * side + Math.floor(k * side / m);
        if (matrix[q * m + k] > peak[spot]) peak[spot] = matrix[q * m + k];
      }
    canvas.width = canvas.height = side;
    const image = brush.createImageData(side, side);
    for (const [spot, weight] of peak.entries()) image.data.set([...ink, 255 * Math.sqrt(weight)], 4 * spot);
    brush.putImageData(image, 0, 0);
  }
};

// explaint_lib/widgets/js/attention_reading.js
var Reading = class {
  /** @param {AttentionView} view */
  constructor(view) {
    this.view = view;
    this.status = html("div", { class: "status", role: "status", "aria-live": "polite" });
    this.table = html("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Weights as a table" });
    this.details = html("details", { class: "veil" }, html("summary", {}, "Numbers as a table"), this.table);
    this.details.addEventListener("toggle", () => this.fillTable());
  }
  /** @param {number} i */
  quote(i) {
    return `“${fit(this.view.maps.items[i].text, 220)}”`;
  }
  /** @param {Spot} spot */
  speak({ q, k }) {
    const idle = q === null && k === null;
    let said = ". Point at a token or move with the arrow keys; click or press Enter to pin it.";
    if (q !== null && k !== null) said = `: ${this.quote(q)} → ${this.quote(k)}`;
    else if (q !== null) said = `: ${this.quote(q)} attends to`;
    else if (k !== null) said = `: ${this.quote(k)} is attended to by`;
    const pinned = this.view.pin && sameSpot(this.view.pin, { q, k }) ? [html("span", { class: "muted" }, " (pinned; Escape frees it)")] : [];
    tell(
      this.status,
      html("div", {}, html("b", {}, this.view.title), said, ...pinned),
      ...idle || this.view.controls.guessing.open ? [] : this.view.panels.map((p) => html("div", {}, `${p.glyph} ${p.name}: ${this.read(p.matrix, q, k)}`))
    );
  }
  /**
   * Return what a map holds at a spot, in words.
   *
   * @param {Float32Array} matrix
   * @param {number | null} q
   * @param {number | null} k
   */
  read(matrix, q, k) {
    const n = this.view.maps.items.length;
    if (q !== null && k !== null) return this.view.maps.percent(matrix[q * n + k]);
    const all = this.view.maps.items.map((_, i) => [q !== null ? matrix[q * n + i] : matrix[i * n + Number(k)], i]);
    const top = all.filter(([a]) => a > 0).sort((a, b) => b[0] - a[0]).slice(0, 4);
    return top.map(([a, i]) => `${this.quote(i)} ${this.view.maps.percent(a)}`).join(", ") || "nothing recorded";
  }
  fillTable() {
    if (!this.details.open || !this.view.panels.length) return;
    const { items } = this.view.maps, q = this.view.query, n = items.length;
    const error = this.view.maps.list.map(
      (map) => this.view.maps.within(map, this.view.get("layer"), this.view.get("head"), this.view.get("combine"))
    );
    const caption = `${this.view.title}: from ${this.quote(q)} to (weights were stored to within ±${[...new Set(error)].join(" and ±")})`;
    const head = html(
      "tr",
      {},
      html("th", { scope: "col" }, "token"),
      ...this.view.panels.map((p) => html("th", { scope: "col", class: "num" }, p.name))
    );
    const rows = items.map(
      (item, k) => html(
        "tr",
        {},
        html("th", { scope: "row" }, visible(item.full)),
        ...this.view.panels.map((p) => html("td", { class: "num" }, this.view.maps.percent(p.matrix[q * n + k])))
      )
    );
    this.table.replaceChildren(
      html("table", {}, html("caption", {}, caption), html("thead", {}, head), html("tbody", {}, ...rows))
    );
  }
};

// explaint_lib/widgets/js/attention_rules.js
function ranked(matrix, causal) {
  const m = Math.sqrt(matrix.length), out = new Float32Array(matrix.length), places = [...matrix.keys()].filter((i) => !causal || i % m <= Math.floor(i / m));
  places.sort((a, b) => matrix[a] - matrix[b]);
  for (let start = 0, end = 0; start < places.length; start = end) {
    while (end < places.length && matrix[places[end]] === matrix[places[start]]) end++;
    const shade = (start + end - 1) / 2 / Math.max(places.length - 1, 1);
    for (const place of places.slice(start, end)) out[place] = shade;
  }
  return out;
}
var total = (shades) => shades.reduce((sum, shade) => sum + shade, 0);
var SEEN = {
  "is darker on the whole": (shades) => total(shades),
  "has more of its colour on the diagonal": (shades, m) => {
    let sum = 0;
    for (let i = 0; i < m; i++) sum += shades[i * m + i];
    return sum / (total(shades) || 1);
  },
  "has more of its colour in one column": (shades, m) => {
    const columns = new Float32Array(m);
    shades.forEach((shade, i) => {
      columns[i % m] += shade;
    });
    return columns.reduce((x, y) => Math.max(x, y), 0) / (total(shades) || 1);
  }
};
function bestRule(maps) {
  const { layers, heads } = maps.meta, m = maps.items.length, names = Object.keys(SEEN), first = names.map(() => 0);
  for (let layer = 0; layer < layers; layer++)
    for (let head = 0; head < heads; head++) {
      const [own, other] = maps.list.map((map) => ranked(maps.matrix(map, layer, head), map.causal));
      names.forEach((name, i) => {
        const ahead = SEEN[name](own, m) - SEEN[name](other, m);
        first[i] += ahead > 0 ? 1 : ahead < 0 ? 0 : 0.5;
      });
    }
  const n = layers * heads, often = first.map((count) => Math.max(count, n - count)), best = often.indexOf(Math.max(...often)), turned = first[best] < n / 2;
  return {
    rule: turned ? names[best].replace("more", "less").replace("darker", "lighter") : names[best],
    found: often[best],
    n
  };
}
function withoutEyes(maps) {
  const { rule, found, n } = bestRule(maps);
  const known = found / n > 0.6;
  return known ? `A rule that reads nothing, “choose the map that ${rule}”, is right for ${found} of the ${n} heads here: your score must beat that.` : `The rules that read nothing (darker, more on the diagonal, more in one column) are right for at most ${found} of the ${n} heads here.`;
}

// explaint_lib/widgets/js/guess.js
function chanceOf(right, rounds, choices) {
  const p = 1 / choices;
  let sum = 0, ways = 1;
  for (let k = 0; k <= rounds; k++) {
    if (k >= right) sum += ways * p ** k * (1 - p) ** (rounds - k);
    ways = ways * (rounds - k) / (k + 1);
  }
  return Math.min(1, sum);
}
function shuffled(values) {
  const out = [...values];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}
var LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
var asPercent = (p) => p < 1e-3 ? "under 0.1%" : `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)}%`;
var Guessing = class {
  right = 0;
  rounds = 0;
  choices = 2;
  /** @type {(Round & { answered: boolean }) | null} */
  round = null;
  /**
   * @param {object} figure
   * @param {string} figure.invite
   * @param {() => Round} figure.deal draws a round and shows it without names
   * @param {() => void} figure.show names everything
   * @param {() => void} figure.leave puts the figure back
   */
  constructor({ invite, deal, show, leave }) {
    this.deal = deal;
    this.show = show;
    this.leave = leave;
    this.said = html("p", { class: "said", role: "status" });
    this.told = html("p", { class: "told", role: "status" });
    this.answers = html("div", { class: "bar", role: "group", "aria-label": "Your answer" });
    this.start = button("Guess first", () => this.next(), { class: "button strong" });
    this.invitation = html("span", { class: "muted" }, invite);
    this.extra = html("span");
    this.opening = html("div", { class: "bar" }, this.start, this.extra, this.invitation);
    this.element = html(
      "div",
      { class: "guess", role: "group", "aria-label": "Predict, then reveal" },
      this.opening,
      this.said,
      this.answers
    );
    this.lay(false);
  }
  /** @param {boolean} playing */
  lay(playing) {
    this.opening.style.display = playing ? "none" : "";
    this.said.style.display = this.answers.style.display = this.told.style.display = playing ? "" : "none";
    this.element.classList.toggle("playing", playing);
  }
  get open() {
    return this.round !== null && !this.round.answered;
  }
  next() {
    const round = { ...this.deal(), answered: false };
    this.round = round;
    if (this.choices !== round.answers.length) this.right = this.rounds = 0;
    this.choices = round.answers.length;
    this.lay(true);
    tell(this.told, round.key ?? "");
    tell(this.said, html("b", {}, round.question), ` ${round.hint ?? ""}`);
    this.offer(
      ...round.answers.map((text, i) => button(text, () => this.answer(round, i), { class: "button strong" }))
    );
  }
  /** @param {...HTMLButtonElement} buttons the first of which gets the focus */
  offer(...buttons) {
    this.answers.replaceChildren(
      ...buttons,
      button("Stop", () => this.stop())
    );
    buttons[0].focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }
  /**
   * @param {Round & { answered: boolean }} round
   * @param {number} i
   */
  answer(round, i) {
    const correct = i === round.right;
    round.answered = true;
    this.rounds += 1;
    this.right += Number(correct);
    this.show();
    tell(this.said, html("b", {}, correct ? "Right. " : "No. "), round.after);
    tell(this.told, this.score(), ` ${round.more ?? ""}`);
    this.offer(button("Next", () => this.next(), { class: "button strong" }));
  }
  score() {
    const p = chanceOf(this.right, this.rounds, this.choices), perfect = chanceOf(this.rounds, this.rounds, this.choices);
    let reading = "Guessing would give about the same. Play more rounds before you trust your eye.";
    if (perfect >= 0.05) reading = "There are too few rounds to tell: even a perfect score may be luck.";
    else if (p < 0.05)
      reading = "Guessing seldom does so well, so you see a difference. The game does not show what the difference is.";
    return html(
      "span",
      {},
      `${this.right} of ${this.rounds} so far; blind guessing gets ${(this.rounds / this.choices).toFixed(1)} on average, and does at least as well as you in ${asPercent(p)} of games. ${reading}`
    );
  }
  /** Forget the round that is open; the score stays for the next one. */
  stop(focus = true) {
    if (!this.round) return;
    this.round = null;
    this.lay(false);
    this.invitation.textContent = this.rounds ? `${this.right} of ${this.rounds} right so far.` : "";
    this.leave();
    if (focus) this.start.focus();
  }
};

// explaint_lib/widgets/js/attention_summaries.js
var SummaryTable = class {
  /** @type {Compared | null} */
  known = null;
  /** @param {AttentionView} view */
  constructor(view) {
    this.view = view;
    this.place = html("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Summaries side by side" });
    this.element = html(
      "details",
      { class: "veil" },
      html("summary", {}, "Do the summaries of this layer agree?"),
      this.place
    );
    this.element.addEventListener("toggle", () => this.fill());
  }
  /**
   * Return the favourites of every row under every summary: computed once for a layer, head and choice of tokens.
   *
   * @returns {Compared}
   */
  compare() {
    const { view, known } = this;
    const { maps } = view;
    const [layer, head] = [view.get("layer"), view.get("head")];
    if (known?.layer === layer && known?.head === head && known?.items === maps.items) return known;
    const names = { "": maps.headName(head), ...maps.combinations };
    const each = maps.list.map(
      (map) => Object.keys(names).map((combine) => {
        const matrix = maps.matrix(map, layer, head, combine);
        return { matrix, best: maps.favourites(matrix) };
      })
    );
    this.known = { layer, head, items: maps.items, names: Object.values(names), each };
    return this.known;
  }
  fill() {
    const { view } = this, { maps } = view;
    this.element.style.display = Object.keys(maps.combinations).length ? "" : "none";
    if (!this.element.open || !view.panels.length) return;
    if (!Object.keys(maps.combinations).length) return;
    const { names, each } = this.compare(), q = view.query, m = maps.items.length, two = maps.list.length > 1;
    const leaders = (matrix) => {
      const row = maps.items.map((_, k) => [matrix[q * m + k], k]).filter(([weight]) => weight > 0);
      const top = row.sort((a, b) => b[0] - a[0]).slice(0, 3);
      return top.map(([weight, k]) => `${view.controls.reading.quote(k)} ${maps.percent(weight)}`).join(", ") || "nothing recorded";
    };
    const same = (a, b) => a.best.filter((k, i) => k >= 0 && k === b.best[i]).length;
    const above = html(
      "tr",
      {},
      html("th", { scope: "col", rowspan: 2 }, "Summary"),
      ...maps.list.map((map) => html("th", { scope: "colgroup", colspan: 2 }, `${map.glyph} ${map.name}`))
    );
    const header = html(
      "tr",
      {},
      ...maps.list.flatMap(() => [
        html("td", {}, `${view.controls.reading.quote(q)} attends most to`),
        html("td", { class: "num" }, `rows agreeing with the ${names[1].replace(/ .*/, "")}`)
      ])
    );
    const rows = names.map(
      (name, i) => html(
        "tr",
        {},
        html("th", { scope: "row" }, name),
        ...each.flatMap((list) => [
          html("td", {}, leaders(list[i].matrix)),
          html("td", { class: "num" }, i === 1 ? "–" : same(list[i], list[1]))
        ])
      )
    );
    const all = each.map((list, i) => {
      const agreed = list[0].best.filter((k, row) => k >= 0 && list.every((one) => one.best[row] === k)).length;
      return `${agreed} of ${m} rows${two ? ` (${maps.list[i].name})` : ""}`;
    });
    const caption = `Layer ${view.get("layer")}. All ${names.length} give the largest weight to the same token in ${all.join(", ")}. Point at a token to read its row.`;
    this.place.replaceChildren(
      html("table", {}, html("caption", {}, caption), html("thead", {}, above, header), html("tbody", {}, ...rows))
    );
  }
};
function attentionGuessing(view) {
  let deck = [];
  let dealtFrom = null;
  let before = null;
  const deal = () => {
    const { meta, list } = view.maps;
    if (dealtFrom !== meta) deck = [];
    dealtFrom = meta;
    before ??= view.snapshot();
    if (!deck.length) deck = shuffled(Array.from({ length: meta.layers * meta.heads }, (_, i) => i));
    const next = Number(deck.pop());
    view.pin = view.cursor = view.hover = null;
    const dealt = { order: shuffled([0, 1]), named: false };
    view.dealt = dealt;
    view.put({ layer: Math.floor(next / meta.heads), head: next % meta.heads, combine: "", view: "matrix" });
    view.build();
    const right = dealt.order.indexOf(0);
    return {
      question: `Which map is “${list[0].name}”, and not “${list[1].name}”?`,
      hint: "One head, drawn blindly.",
      key: "Darker: larger than more of the other weights of the same map. Both maps hold the same shades.",
      answers: ["Map A", "Map B"],
      right,
      after: `“${list[0].name}” was map ${LETTERS[right]} (${view.title}).`,
      more: withoutEyes(view.maps)
    };
  };
  return new Guessing({
    invite: "Two maps without names: can you tell which is which?",
    deal,
    show() {
      if (view.dealt) view.dealt.named = true;
      view.build();
    },
    leave() {
      view.dealt = null;
      const { layer, head, combine, view: picture } = before ?? view.snapshot();
      before = null;
      view.put({ layer, head, combine, view: picture });
      view.build();
    }
  });
}

// explaint_lib/widgets/js/share.js
var SHARED = "explaint-";
var isPlace = (value, count) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < count;
function writeState(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return SHARED + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
function readState(text) {
  const found = text.match(/explaint-([\w-]+)\s*$/);
  if (!found) return null;
  try {
    const characters = atob(found[1].replaceAll("-", "+").replaceAll("_", "/"));
    const state = JSON.parse(new TextDecoder().decode(Uint8Array.from(characters, (c) => c.charCodeAt(0))));
    return state && typeof state === "object" && Array.isArray(state.views) ? state : null;
  } catch {
    return null;
  }
}
var figures = () => (
  /** @type {Figure[]} */
  [...document.querySelectorAll("[data-explaint]")]
);
var pageState = (figure) => ({
  at: figures().indexOf(figure),
  views: figures().map((f) => f.explaintView?.snapshot() ?? null)
});
function followLink(figure) {
  const state = readState(location.hash);
  const i = figures().indexOf(figure);
  const wanted = state?.views[i];
  if (!wanted) return;
  figure.explaintView?.restore(wanted);
  if (state.at === i) requestAnimationFrame(() => figure.scrollIntoView({ block: "start" }));
}
function shareBox(view, onPage) {
  const line = html("input", {
    type: "text",
    spellcheck: "false",
    autocomplete: "off",
    "aria-label": onPage ? "Link to this view" : "This view as text"
  });
  const said = html("span", { class: "muted", role: "status" });
  let written = "";
  const fill = () => {
    const figure = (
      /** @type {Figure | null} */
      rootOf(view.box).host.closest("[data-explaint]")
    );
    const here = { at: 0, views: [view.snapshot()] };
    line.value = onPage ? `${location.href.split("#")[0]}#${writeState(figure ? pageState(figure) : here)}` : writeState(here);
    written = line.value;
    said.textContent = "";
  };
  const copy = button("Copy", async () => {
    fill();
    line.select();
    try {
      await navigator.clipboard.writeText(line.value);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "Press Ctrl+C (⌘C) to copy the selected text.";
    }
  });
  const show = button("Go there", () => {
    const state = readState(line.value);
    const kind = view.snapshot().kind;
    const wanted = state && [state.views[state.at], ...state.views].find((v) => v?.kind === kind);
    if (wanted) view.restore(wanted);
    said.textContent = wanted ? "The view is shown." : "This text is not a view of a figure of this kind.";
  });
  const box = html(
    "details",
    { class: "share veil" },
    html("summary", {}, onPage ? "Link to this view" : "Keep this view"),
    html("div", { class: "bar" }, line, copy, show, said),
    html(
      "p",
      { class: "muted" },
      onPage ? "The link opens this page with every figure as it stands now. A link pasted here leads to its view." : "Copy the text into your notes; pasted here again, or in a colleague's notebook, it brings this view back."
    )
  );
  box.addEventListener("toggle", fill);
  line.addEventListener("focus", () => {
    if (line.value === written) fill();
  });
  return box;
}

// explaint_lib/widgets/js/attention_controls.js
var AttentionControls = class {
  overview = 0;
  showOverview = (_) => {
  };
  /** @param {AttentionView} view */
  constructor(view) {
    this.view = view;
    const select = (key2, label) => {
      const element = html("select", { "aria-label": label });
      const number = key2 === "layer" || key2 === "head";
      element.addEventListener("change", () => view.put({ [key2]: number ? +element.value : element.value }));
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
        ["matrix", "Matrix"]
      ],
      (picture) => view.put({ view: picture })
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
      html("button", { class: "button" }, "Recompute")
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.error.textContent = "";
      if (this.sentence.value === view.get("sentence")) return;
      this.reading.status.textContent = "Asking the kernel…";
      view.put({ sentence: this.sentence.value });
    });
    const column = (...parts) => html("div", { class: "controls" }, ...parts);
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
            this.headLabel
          ),
          html("div", { class: "veil" }, this.viewBox),
          html("div", { class: "bar veil" }, this.specialBox, this.mergeBox),
          this.measureLabel,
          html("div", { class: "veil" }, this.legend)
        )
      ),
      this.error,
      this.panelsBox,
      this.guessing.told,
      this.reading.status,
      html(
        "div",
        { class: "bar foot veil" },
        button("Download CSV", () => view.saveCsv()),
        button("Download SVG", () => view.saveSvg())
      ),
      this.summaries.element,
      this.reading.details,
      shareBox(view, view.model.onPage === true)
    );
  }
  /** What depends on the maps: again when the kernel has sent others. */
  rebuild() {
    const { maps } = this.view;
    const { meta } = maps;
    const options = (n) => Array.from({ length: n }, (_, i) => html("option", { value: i }, i));
    this.layerBox.replaceChildren(...options(meta.layers));
    this.headBox.replaceChildren(
      ...Array.from({ length: meta.heads }, (_, i) => html("option", { value: i }, meta.head_names?.[i] ?? i))
    );
    this.headWord.textContent = meta.head_names ? "Map" : "Head";
    this.headBox.setAttribute("aria-label", this.headWord.textContent);
    this.combineLabel.style.display = Object.keys(maps.combinations).length ? "" : "none";
    this.combineBox.replaceChildren(
      html("option", { value: "" }, "one head"),
      ...Object.entries(maps.combinations).map(([value, text]) => html("option", { value }, text))
    );
    this.measureBox.replaceChildren(
      html("option", { value: "" }, "off"),
      ...Object.keys(meta.identity ?? {}).map((name) => html("option", { value: name }, name))
    );
    this.measureLabel.style.display = meta.identity ? "" : "none";
    this.mergeBox.style.display = meta.word_ids ? "" : "none";
    this.specialBox.style.display = maps.hasSpecial ? "" : "none";
    this.sentence.value = this.view.get("sentence");
    const several = maps.list.length > 1;
    const names = maps.list.map((map, i) => (
      /** @type {[number, string]} */
      [i, map.name]
    ));
    const [chooser, show] = segmented("Maps in the overview", names, (i) => this.overlook(i));
    this.overview = 0;
    this.showOverview = show;
    show(0);
    this.overviewBox.replaceChildren(...several ? [chooser] : []);
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
};

// explaint_lib/widgets/js/attention_style.js
var FIGURE_CSS = `text { font: 13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; fill: var(--fg); }
.special text { font-style: italic; fill: var(--muted); } text.value { font-variant-numeric: tabular-nums; fill: var(--muted); font-size: 12px; }
.head { fill: var(--muted); font-size: 12px; } .on text { font-weight: 700; } .tok .back { fill: transparent; } .tok.on .back { fill: var(--soft); stroke: var(--edge); }
.link { fill: none; stroke: var(--ink); stroke-linecap: round; } .dim { opacity: .1; } .weight { fill: var(--ink); opacity: .28; }
.gauge { fill: none; stroke: var(--edge); stroke-width: .75; } .filled { fill: var(--mark); } .frame { fill: none; stroke: var(--edge); }
.cross { fill: none; stroke: var(--fg); stroke-width: 1.5; pointer-events: none; } .grid { stroke: var(--bg); stroke-width: 1; opacity: .55; }
.tag rect { fill: var(--bg); } .tag text { font-weight: 700; }`;
var CSS = `${FIGURE_CSS.replace(/^text/, ":where(svg.figure) text")}
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

// explaint_lib/widgets/js/attention_export.js
function exportSvg(box, panels, title) {
  const gap = 24, width = panels.reduce((w, p) => w + p.svg.viewBox.baseVal.width + gap, gap), height = Math.max(...panels.map((p) => p.svg.viewBox.baseVal.height)) + 64;
  const css = FIGURE_CSS.replaceAll("var(--ink)", "currentColor").replace(
    /var\((--\w+)\)/g,
    (_, name) => name === "--bg" ? getComputedStyle(box).backgroundColor : cssColour(box, name)
  );
  const file = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height },
    svg("style", {}, css),
    svg("rect", { width, height, fill: getComputedStyle(box).backgroundColor }),
    svg("text", { x: gap, y: 22, "font-weight": 700 }, title)
  );
  let x = gap;
  for (const p of panels) {
    const copy = (
      /** @type {SVGSVGElement} */
      p.svg.cloneNode(true)
    );
    for (const node of copy.querySelectorAll("[tabindex]")) node.removeAttribute("tabindex");
    set(copy, { x, y: 56, style: `color: ${cssColour(box, p.colour)}` });
    file.append(svg("text", { x, y: 46 }, p.name), copy);
    x += p.svg.viewBox.baseVal.width + gap;
  }
  return new XMLSerializer().serializeToString(file);
}

// explaint_lib/widgets/js/attention_links.js
var MOST_LINKS = 3e3;
function linkPaths(group, links, ends, scale, identity) {
  const paths = /* @__PURE__ */ new Map();
  const { x1, x2, y1, y2 } = ends;
  const xm = (x1 + x2) / 2;
  const add = (t, fade, d) => {
    const w = Math.min(7, Math.floor(t * 8)), o = Math.min(9, Math.floor(t * fade * 10)), key2 = w * 10 + o;
    paths.set(key2, (paths.get(key2) ?? "") + d);
  };
  for (const [q, k, a] of links) {
    const t = Math.min(1, a / scale), ya = y1(q), yb = y2(k), ym = (ya + yb) / 2, xa = (x1 + xm) / 2, xb = (x2 + xm) / 2;
    if (!identity) add(t, 1, `M${x1} ${ya}C${xm} ${ya} ${xm} ${yb} ${x2} ${yb}`);
    else {
      add(t, identity[q], `M${x1} ${ya}C${xa} ${ya} ${(xa + xm) / 2} ${(ya + ym) / 2} ${xm} ${ym}`);
      add(t, identity[k], `M${xm} ${ym}C${(xm + xb) / 2} ${(ym + yb) / 2} ${xb} ${yb} ${x2} ${yb}`);
    }
  }
  group.replaceChildren(
    ...[...paths].sort(([a], [b]) => a - b).map(
      ([key2, d]) => svg("path", {
        class: "link",
        d,
        "stroke-width": (0.7 + 0.6 * Math.floor(key2 / 10)).toFixed(2),
        "stroke-opacity": (0.07 + 0.093 * (key2 % 10 + 0.5)).toFixed(2)
      })
    )
  );
}
var gauge = (x, y, height, value) => [
  svg("rect", { class: "gauge", x, y, width: 4, height }),
  svg("rect", { class: "filled", x, y: y + height * (1 - value), width: 4, height: height * value })
];
function linesFigure({ items, matrix, scale, identity, width, colour, name, percent }) {
  const n = items.length, row = n > 40 ? 19 : 23, top = 26, number = 38, height = top + n * row + 4;
  const room = Math.max(40, Math.min(Math.max(...items.map((t) => widthOf(t.text))) + 4, width * 0.31));
  const x1 = number + room + 12, x2 = width - number - room - 12, y = (i) => top + (i + 0.5) * row, ends = { x1: x1 + 3, x2: x2 - 3, y1: y, y2: y };
  const base = svg("g", { class: n > 64 ? "" : "ease", "pointer-events": "none" }), strong = svg("g", { "pointer-events": "none" });
  const root = svg(
    "svg",
    {
      class: "figure",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "group",
      "aria-label": `${name}: attention as links`,
      style: `--ink: var(${colour})`
    },
    svg("text", { class: "head", x: x1 - 6, y: 14, "text-anchor": "end" }, "from (query)"),
    svg("text", { class: "head", x: x2 + 6, y: 14 }, "to (key)"),
    base,
    strong
  );
  let links = [];
  for (let q = 0; q < n; q++)
    for (let k = 0; k < n; k++)
      if (matrix[q * n + k] >= 0.01 * scale && matrix[q * n + k] >= 4e-3) links.push([q, k, matrix[q * n + k]]);
  const dropped = Math.max(0, links.length - MOST_LINKS);
  if (dropped) links = links.sort((a, b) => b[2] - a[2]).slice(0, MOST_LINKS);
  linkPaths(base, links, ends, scale, identity);
  const side = (which) => items.map((item, i) => {
    const left = which === "q", x = left ? 1 : x2 + 1, w = number + room + 10, yy = top + i * row + 1, h = row - 2;
    const bar = svg("rect", { class: "weight", x: left ? x1 : x2, y: yy, height: h, width: 0, rx: 3 }), value = svg("text", {
      class: "value",
      x: left ? 4 : width - 4,
      y: y(i) + 4.5,
      "text-anchor": left ? "start" : "end"
    });
    const token = svg(
      "g",
      {
        class: `tok${item.special ? " special" : ""}`,
        "data-side": which,
        "data-i": i,
        tabindex: -1,
        role: "button",
        "aria-pressed": "false",
        style: "cursor: pointer"
      },
      svg("rect", { class: "back", x, y: yy, width: w, height: h, rx: 4 }),
      bar,
      svg(
        "text",
        { x: left ? x1 - 8 : x2 + 8, y: y(i) + 4.5, "text-anchor": left ? "end" : "start" },
        fit(item.text, room)
      ),
      value,
      svg("title", {}, item.full)
    );
    const place = `, ${left ? "from" : "to"}, ${i + 1} of ${n}${identity ? `, still its token ${percent(identity[i])}` : ""}`;
    if (identity) token.append(...gauge(left ? x1 - 4 : x2, yy + 2, h - 4, identity[i]));
    root.append(token);
    const spoken = (number2) => `${item.text}${number2}${place}`;
    return { token, bar, value, spoken, state: "" };
  });
  const from = side("q"), to = side("k");
  function paint({ q, k }) {
    base.classList.toggle("dim", q !== null || k !== null);
    const chosen = q === null && k === null ? [] : links.filter(([a, b]) => (q === null || a === q) && (k === null || b === k));
    linkPaths(strong, chosen, ends, scale, identity);
    paintSide(from, q, k, (i) => i * n + Number(k));
    paintSide(to, k, q, (i) => Number(q) * n + i);
  }
  function paintSide(rows, own, other, at) {
    rows.forEach((entry, i) => {
      const weight = other === null ? 0 : matrix[at(i)], on = own === i, number2 = other !== null && (weight >= 0.01 || on) ? ` ${percent(weight)}` : "", state = `${on} ${weight}${number2}`;
      if (entry.state === state) return;
      entry.state = state;
      const { token, bar, value, spoken } = entry, w = Math.min(1, weight / scale) * (room + 8);
      token.classList.toggle("on", on);
      set(token, { "aria-pressed": on, "aria-label": spoken(number2) });
      set(bar, { width: w.toFixed(1), x: rows === from ? (x1 - w).toFixed(1) : x2 });
      value.textContent = number2;
    });
  }
  const focusable = ({ q, k }) => k !== null && q === null ? to[k].token : from[q ?? 0].token;
  const tabStop = (spot) => {
    for (const { token } of [...from, ...to]) token.setAttribute("tabindex", "-1");
    focusable(spot).setAttribute("tabindex", "0");
  };
  return {
    svg: root,
    paint,
    locate: tokenOf,
    tabStop,
    focus: (spot) => focusable(spot).focus(),
    note: dropped ? `The ${MOST_LINKS.toLocaleString("en")} strongest links are drawn; ${dropped.toLocaleString("en")} weaker ones are not.` : ""
  };
}
function tokenOf(event) {
  const token = (
    /** @type {SVGElement | null} */
    targetOf(event).closest(".tok")
  );
  return token && { q: null, k: null, [String(token.dataset.side)]: Number(token.dataset.i) };
}

// explaint_lib/widgets/js/bytes.js
var DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=.?@^_`{|}~";
var VALUES = new Map([...DIGITS].map((character, i) => [character, i]));
function bytes85(text) {
  const count = Math.ceil(text.length / 5);
  const out = new DataView(new ArrayBuffer(4 * count));
  const padded = text.padEnd(5 * count, "~");
  for (let i = 0; i < count; i++) {
    let number = 0;
    for (let j = 5 * i; j < 5 * i + 5; j++) number = 85 * number + (VALUES.get(padded[j]) ?? NaN);
    if (!(number < 2 ** 32)) throw new Error("the compressed data is damaged");
    out.setUint32(4 * i, number);
  }
  return new Uint8Array(out.buffer, 0, 4 * count - (padded.length - text.length));
}
var asBytes = (value) => value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
async function inflate(value) {
  if (typeof DecompressionStream === "undefined")
    throw new Error("this browser is too old: it has no DecompressionStream");
  const stream = new Blob([asBytes(value)]).stream().pipeThrough(new DecompressionStream("deflate"));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Error("the compressed data is damaged");
  }
}
async function unpackSmall(value, count) {
  const raw = await inflate(value);
  const out = new Uint8Array(count);
  const bytes = Math.ceil(count / 4);
  let over = bytes;
  for (let i = 0; i < bytes; i++) {
    if (raw[i] === 0) continue;
    for (let j = 0; j < 4; j++) {
      const low = raw[i] >> 2 * j & 3;
      if (low) out[4 * i + j] = low < 3 ? low : 3 + raw[over++];
    }
  }
  if (over !== raw.length) throw new Error(`expected ${over} bytes of payload, found ${raw.length}`);
  return out;
}

// explaint_lib/widgets/js/attention_map.js
var BUILT_IN = {
  mean: "mean of the heads",
  max: "largest of the heads",
  rollout: "rollout up to this layer"
};
var asMap = (name, glyph, colour, identity, stored, data) => ({
  ...stored,
  name,
  glyph,
  colour,
  identity,
  data,
  rolled: [],
  means: []
});
var AttentionMaps = class _AttentionMaps {
  /** @type {Item[]} */
  items = [];
  hidden = false;
  fine = false;
  /** @type {Record<string, string>} */
  combinations = /* @__PURE__ */ Object.create(null);
  // a name may be "__proto__"
  /** @param {Get} get */
  static async load(get) {
    const meta = get("meta");
    const count = meta.layers * (meta.heads + meta.summaries.length) * meta.n * meta.n;
    const list = [asMap(meta.name, "●", "--real", meta.identity, meta.stored, await unpackSmall(get("data"), count))];
    if (meta.control && meta.control_stored)
      list.push(
        asMap(
          meta.control,
          "▲",
          "--control",
          meta.control_identity,
          meta.control_stored,
          await unpackSmall(get("control_data"), count)
        )
      );
    return new _AttentionMaps(meta, list);
  }
  /**
   * @param {AttentionMeta} meta
   * @param {AttentionMap[]} list
   */
  constructor(meta, list) {
    this.meta = meta;
    this.list = list;
    this.hasSpecial = meta.special.some(Boolean);
    const makes = meta.heads > 1 ? BUILT_IN : { rollout: BUILT_IN.rollout };
    Object.assign(this.combinations, meta.head_names ? {} : makes);
    for (const name of meta.summaries) this.combinations[name] = name;
  }
  /** @param {number} head */
  headName(head) {
    return this.meta.head_names?.[head] ?? `head ${head}`;
  }
  /**
   * Settle what the rows and columns stand for.
   *
   * @param {boolean} merged word pieces as words
   * @param {boolean} showSpecial
   */
  regroup(merged, showSpecial) {
    const { tokens, special, word_ids: wordIds, words } = this.meta;
    const made = /* @__PURE__ */ new Map();
    tokens.forEach((token, i) => {
      if (special[i] && !showSpecial) return;
      const word = merged && wordIds && words && wordIds[i] >= 0 ? wordIds[i] : null;
      const full = word === null ? token : words?.[word] ?? "";
      const key2 = word ?? `token ${i}`;
      const text = visible(full.replace(/^[Ġ▁](?=.)/u, ""));
      const item = made.get(key2) ?? { full, text, special: special[i], at: [] };
      made.set(key2, item);
      item.at.push(i);
    });
    this.items = [...made.values()];
    this.hidden = this.hasSpecial && !showSpecial;
  }
  /**
   * Return the weights over all tokens, row-major (query, key): one head, one of the reader's own summaries, or a
   * combination of heads.
   *
   * @param {AttentionMap} map
   * @param {number} layer
   * @param {number} head
   * @param {string} combine
   */
  full(map, layer, head, combine = "") {
    if (combine === "mean") return this.mean(map, layer);
    if (combine === "max") return this.largest(map, layer);
    if (combine === "rollout") return this.rollout(map, layer);
    const own = this.meta.summaries.indexOf(combine);
    return this.stored(map, layer, own < 0 ? head : this.meta.heads + own);
  }
  /**
   * @param {AttentionMap} map
   * @param {number} layer
   * @param {number} place of a head, or behind the heads of a summary
   */
  stored(map, layer, place) {
    const { n, heads, summaries } = this.meta, which = layer * (heads + summaries.length) + place, step = map.steps[which], start = which * n * n, out = new Float32Array(n * n);
    for (let k = 0; k < n; k++)
      for (let q = 0; q < n; q++) {
        const level = map.data[start + k * n + q];
        if (level) out[q * n + k] = level * step;
      }
    return out;
  }
  /**
   * Many weights too small to store add up: what a row lacks to 1 is spread over the cells that were stored as 0.
   *
   * @param {AttentionMap} map
   * @param {number} layer
   */
  mean(map, layer) {
    if (map.means[layer]) return map.means[layer];
    const { n, heads } = this.meta, out = new Float32Array(n * n);
    for (let head = 0; head < heads; head++) {
      const one = this.stored(map, layer, head);
      for (let q = 0; q < n; q++) {
        const end = map.causal ? q + 1 : n;
        let sum = 0;
        let empty = 0;
        for (let k = 0; k < end; k++) {
          sum += one[q * n + k];
          empty += Number(one[q * n + k] === 0);
        }
        const share = map.rows_sum && empty ? Math.max(0, 1 - sum) / empty : 0;
        for (let k = 0; k < end; k++) out[q * n + k] += (one[q * n + k] || share) / heads;
      }
    }
    map.means[layer] = out;
    return out;
  }
  /**
   * @param {AttentionMap} map
   * @param {number} layer
   */
  largest(map, layer) {
    const out = this.stored(map, layer, 0);
    for (let head = 1; head < this.meta.heads; head++)
      this.stored(map, layer, head).forEach((weight, i) => {
        if (weight > out[i]) out[i] = weight;
      });
    return out;
  }
  /**
   * Abnar & Zuidema 2020: half of each state is itself, half the mean of the heads; layer after layer, multiplied.
   *
   * @param {AttentionMap} map
   * @param {number} layer
   */
  rollout(map, layer) {
    const { n } = this.meta;
    for (let l = map.rolled.length; l <= layer; l++) {
      const mean = this.mean(map, l), before = map.rolled[l - 1], out = new Float32Array(n * n);
      for (let q = 0; q < n; q++) {
        const row = out.subarray(q * n, (q + 1) * n);
        let sum = 0;
        for (let k = 0; k < n; k++) sum += mean[q * n + k];
        for (let m = 0; m < n; m++) {
          const share = (sum ? mean[q * n + m] / (2 * sum) : 0) + (m === q ? sum ? 0.5 : 1 : 0);
          if (!share) continue;
          if (!before) row[m] += share;
          else for (let k = 0; k < n; k++) row[k] += share * before[m * n + k];
        }
      }
      map.rolled[l] = out;
    }
    return map.rolled[layer];
  }
  /**
   * The same as `full`, over what is shown. Pieces of a word: summed over those attended to, averaged over those that
   * attend.
   *
   * @param {AttentionMap} map
   * @param {number} layer
   * @param {number} head
   * @param {string} combine
   */
  matrix(map, layer, head, combine = "") {
    const { n } = this.meta, whole = this.full(map, layer, head, combine), groups = this.items.map((item) => item.at), m = groups.length;
    if (m === n) return whole;
    const out = new Float32Array(m * m);
    for (let q = 0; q < m; q++)
      for (const a of groups[q])
        for (let k = 0; k < m; k++) {
          let sum = 0;
          for (const b of groups[k]) sum += whole[a * n + b];
          out[q * m + k] += sum / groups[q].length;
        }
    return out;
  }
  /**
   * Return one value from 0 to 1 an item, for the states that enter `layer`; null where the measure is off or not known.
   *
   * @param {Pick<AttentionMap, "identity">} map
   * @param {string} measure
   * @param {number} layer
   */
  identity(map, measure, layer) {
    const rows = map.identity?.[measure];
    return rows ? this.items.map(({ at }) => at.reduce((sum, i) => sum + rows[layer][i], 0) / at.length / 100) : null;
  }
  /** @param {number} weight */
  percent(weight) {
    if (weight < (this.fine ? 5e-4 : 5e-3)) return "0%";
    return `${(100 * weight).toFixed(this.fine && weight < 0.0995 ? 1 : 0)}%`;
  }
  /**
   * Numbers get a decimal where all that is shown was stored finely enough for one.
   *
   * @param {number} layer
   * @param {number} head
   * @param {string} combine
   */
  showing(layer, head, combine) {
    this.fine = this.list.every((map) => parseFloat(this.within(map, layer, head, combine)) < 0.4);
  }
  /**
   * Return how far a weight of this map may be from the one that was given, as text.
   *
   * @param {AttentionMap} map
   * @param {number} layer
   * @param {number} head
   * @param {string} combine
   */
  within(map, layer, head, combine = "") {
    const own = this.meta.summaries.indexOf(combine), row = layer * (this.meta.heads + this.meta.summaries.length), step = Object.hasOwn(BUILT_IN, combine) ? Math.max(...map.steps) : map.steps[row + (own < 0 ? head : this.meta.heads + own)];
    return `${(50 * step).toFixed(2)}%`;
  }
  /**
   * Return the favourite of each row: the key with the largest weight, the first of equals; -1 where a row holds nothing.
   *
   * @param {Float32Array} matrix
   */
  favourites(matrix) {
    const m = this.items.length;
    return Array.from({ length: m }, (_, q) => {
      let best = -1, most = 0;
      for (let k = 0; k < m; k++) if (matrix[q * m + k] > most) [most, best] = [matrix[q * m + k], k];
      return best;
    });
  }
  /**
   * Say in one sentence where the weight of the whole map goes.
   *
   * @param {Float32Array} matrix over what is shown
   * @param {Float32Array} whole over all tokens
   */
  remark(matrix, whole) {
    const m = this.items.length, { n, special } = this.meta;
    let toSpecial = 0, toItself = 0;
    this.items.forEach(({ at }, q) => {
      toItself += matrix[q * m + q] / m;
      for (const a of at) for (let k = 0; k < n; k++) if (special[k]) toSpecial += whole[a * n + k] / (at.length * m);
    });
    if (this.hidden)
      return `${this.percent(toSpecial)} of the attention, on average, goes to special tokens, which are not drawn here. The other weights are unchanged.`;
    return `Mean row: ${this.hasSpecial ? `${this.percent(toSpecial)} on special tokens, ` : ""}${this.percent(toItself)} on itself.`;
  }
  /**
   * @param {number} layer
   * @param {number | string} head its number, or the name of a combination
   * @param {Float32Array[]} matrices
   */
  csv(layer, head, matrices) {
    const m = this.items.length;
    const rows = [["layer", "head", "query_index", "query", "key_index", "key", ...this.list.map((map) => map.name)]];
    for (let q = 0; q < m; q++)
      for (let k = 0; k < m; k++)
        rows.push([
          layer,
          head,
          q,
          this.items[q].full,
          k,
          this.items[k].full,
          ...matrices.map((a) => a[q * m + k].toFixed(5))
        ]);
    return csvFile(rows);
  }
};

// explaint_lib/widgets/js/attention_matrix.js
function matrixFigure({ items, matrix, scale, identity, width, colour, name, rgb: rgb2 }) {
  const n = items.length, room = Math.max(30, Math.min(Math.max(...items.map((t) => widthOf(t.text))) + 4, width * 0.28));
  const pad = identity ? 8 : 0, left = room + 8 + pad, tall = Math.min(room, 84) * 0.87 + 8 + pad;
  const size = Math.min(width - left - 16, n * 30), cell = size / n, named = cell >= 9, font = `font-size: ${Math.min(13, cell + 1.5).toFixed(1)}px`, height = tall + size + 20;
  const pixels = Object.assign(document.createElement("canvas"), { width: n, height: n }), brush = brushOf(pixels), image = brush.createImageData(n, n);
  for (let q = 0; q < n; q++)
    for (let k = 0; k < n; k++) {
      const fade = identity ? Math.min(identity[q], identity[k]) : 1, o = 4 * (q * n + k);
      image.data.set([...rgb2, 255 * Math.min(1, matrix[q * n + k] / scale) * fade], o);
    }
  brush.putImageData(image, 0, 0);
  const at = (i) => tall + (i + 0.5) * cell, across = (i) => left + (i + 0.5) * cell;
  const root = svg("svg", {
    class: "figure",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "group",
    "aria-label": `${name}: attention as a matrix`,
    style: `--ink: var(${colour})`
  });
  const rowText = (i) => svg(
    "text",
    { x: left - 6 - pad, y: at(i) + 4.5, "text-anchor": "end", style: named ? font : "" },
    fit(items[i].text, room)
  );
  const columnText = (i) => svg(
    "text",
    { transform: `translate(${across(i) + 3} ${tall - 5 - pad}) rotate(-60)`, style: named ? font : "" },
    fit(items[i].text, Math.min(room, 84))
  );
  const rows = [];
  const columns = [];
  if (named)
    items.forEach((item, i) => {
      rows.push(svg("g", { class: item.special ? "special" : "" }, rowText(i), svg("title", {}, item.full)));
      columns.push(svg("g", { class: item.special ? "special" : "" }, columnText(i), svg("title", {}, item.full)));
    });
  if (identity)
    items.forEach((_, i) => {
      root.append(
        svg("rect", {
          class: "filled",
          x: left - 3 - 6 * identity[i],
          y: at(i) - cell * 0.4,
          width: 6 * identity[i],
          height: cell * 0.8
        }),
        svg("rect", {
          class: "filled",
          x: across(i) - cell * 0.4,
          y: tall - 3 - 6 * identity[i],
          width: cell * 0.8,
          height: 6 * identity[i]
        })
      );
    });
  const area = svg("rect", { class: "frame", x: left, y: tall, width: size, height: size });
  const hit = svg(
    "g",
    {
      tabindex: 0,
      role: "application",
      "data-matrix": true,
      "aria-label": `${name}: matrix of ${n} by ${n}. Arrow keys move from cell to cell, Enter pins, Escape clears.`
    },
    svg("rect", { x: left, y: tall, width: size, height: size, fill: "transparent" }),
    svg("image", {
      href: pixels.toDataURL(),
      x: left,
      y: tall,
      width: size,
      height: size,
      preserveAspectRatio: "none",
      style: "image-rendering: pixelated"
    })
  );
  const ruled = n <= 40 ? Array.from(
    { length: n - 1 },
    (_, i) => `M${left} ${tall + (i + 1) * cell}h${size}M${left + (i + 1) * cell} ${tall}v${size}`
  ).join("") : "";
  const rowBox = svg("rect", { class: "cross", x: left, width: size, height: cell }), columnBox = svg("rect", { class: "cross", y: tall, width: cell, height: size });
  const rowTag = svg("g", { class: "tag" }), columnTag = svg("g", { class: "tag" });
  root.append(
    ...rows,
    ...columns,
    hit,
    svg("path", { class: "grid", d: ruled, "pointer-events": "none" }),
    area,
    rowBox,
    columnBox,
    rowTag,
    columnTag,
    svg(
      "text",
      { class: "head", x: left + size, y: height - 5, "text-anchor": "end" },
      "rows: from (query) · columns: to (key)"
    )
  );
  area.setAttribute("pointer-events", "none");
  function paint({ q, k }) {
    set(rowBox, { y: tall + (q ?? 0) * cell, visibility: q === null ? "hidden" : "visible" });
    set(columnBox, { x: left + (k ?? 0) * cell, visibility: k === null ? "hidden" : "visible" });
    for (const [i, g] of rows.entries()) g.classList.toggle("on", i === q);
    for (const [i, g] of columns.entries()) g.classList.toggle("on", i === k);
    rowTag.replaceChildren(...named || q === null ? [] : [rowText(q)]);
    columnTag.replaceChildren(...named || k === null ? [] : [columnText(k)]);
  }
  const locate = (event) => {
    const box = root.getBoundingClientRect(), zoom = width / box.width, x = (event.clientX - box.left) * zoom, y = (event.clientY - box.top) * zoom;
    const q = Math.floor((y - tall) / cell), k = Math.floor((x - left) / cell), inRow = q >= 0 && q < n, inColumn = k >= 0 && k < n;
    if (inRow && inColumn) return { q, k };
    if (inRow && x < left) return { q, k: null };
    return inColumn && y < tall ? { q: null, k } : null;
  };
  return { svg: root, paint, locate, tabStop() {
  }, focus: () => hit.focus(), note: "" };
}

// explaint_lib/widgets/js/attention_pointing.js
function listenToReader(view) {
  const { panelsBox } = view.controls;
  const { signal } = view.quit;
  panelsBox.addEventListener(
    "pointermove",
    (e) => pointAt(view, e.pointerType === "touch" ? null : spotUnder(view, e)),
    { signal }
  );
  panelsBox.addEventListener("pointerleave", () => pointAt(view, null), { signal });
  panelsBox.addEventListener(
    "click",
    (e) => {
      const spot = spotUnder(view, e);
      view.pin = !spot || sameSpot(view.pin, spot) ? null : spot;
      if (spot && view.cursor) view.cursor = spot;
      view.paint();
    },
    { signal }
  );
  panelsBox.addEventListener("focusin", (e) => focusAt(view, e), { signal });
  panelsBox.addEventListener(
    "focusout",
    (e) => {
      if (panelsBox.contains(
        /** @type {Node | null} */
        e.relatedTarget
      )) return;
      view.cursor = null;
      view.paint();
    },
    { signal }
  );
  panelsBox.addEventListener("keydown", (e) => key(view, e), { signal });
}
function spotUnder(view, event) {
  const panel = panelOf(view, event);
  const spot = view.panels[panel]?.locate(event) ?? null;
  return spot && { ...spot, panel };
}
function panelOf(view, event) {
  return view.panels.findIndex((p) => p.svg.contains(targetOf(event)));
}
function pointAt(view, spot) {
  if (sameSpot(spot, view.hover)) return;
  view.hover = spot;
  view.paint();
}
function focusAt(view, event) {
  const panel = panelOf(view, event);
  if (panel < 0) return;
  const was = view.cursor ?? view.pin ?? NONE;
  view.cursor = { ...tokenOf(event) ?? { q: was.q ?? 0, k: was.k ?? 0 }, panel };
  view.paint();
}
function key(view, event) {
  const { cursor } = view;
  if (!cursor || event.altKey || event.ctrlKey || event.metaKey) return;
  const next = nextSpot(cursor, event.key, view.maps.items.length, view.get("view") === "matrix");
  if (event.key === "Enter" || event.key === " ") view.pin = sameSpot(view.pin, cursor) ? null : { ...cursor };
  else if (event.key === "Escape") view.pin = null;
  else if (!next) return;
  view.cursor = next ?? { ...cursor };
  view.hover = null;
  view.paint(true);
  event.preventDefault();
  event.stopPropagation();
}

// explaint_lib/widgets/js/page.js
function makeModel(state) {
  const handlers = /* @__PURE__ */ new Map();
  const changed = /* @__PURE__ */ new Set();
  return {
    get: (key2) => state[key2],
    set(key2, value) {
      if (state[key2] === value) return;
      state[key2] = value;
      changed.add(key2);
    },
    save_changes() {
      for (const key2 of [...changed]) {
        changed.delete(key2);
        for (const act of handlers.get(`change:${key2}`) ?? []) act();
      }
    },
    on(event, act) {
      handlers.set(event, [...handlers.get(event) ?? [], act]);
    },
    off(event, act) {
      handlers.set(
        event,
        (handlers.get(event) ?? []).filter((other) => other !== act)
      );
    },
    send() {
    },
    // nobody listens: controls that need a kernel never appear
    onPage: true
  };
}
var living = (open) => ({
  /**
   * Draw the widget of a kernel.
   *
   * @param {Context} context
   */
  async render(context) {
    try {
      const view = await open(context);
      return () => view.close();
    } catch (error) {
      complain(context.el, error);
    }
  },
  /**
   * Draw the widget of a figure on a page: its state stands beside it.
   *
   * @param {Figure} figure
   */
  async start(figure) {
    const mount2 = (
      /** @type {HTMLElement} */
      figure.querySelector(".ex-mount")
    );
    addEventListener("hashchange", () => figure.explaintView && followLink(figure));
    try {
      const written = figure.querySelector('script[type="application/json"]')?.textContent ?? "";
      const { state, buffers } = JSON.parse(written);
      for (const [key2, text] of Object.entries(buffers)) state[key2] = bytes85(text);
      figure.explaintView = await open({ model: makeModel(state), el: mount2 });
      figure.setAttribute("data-explaint-ready", "");
      followLink(figure);
    } catch (error) {
      figure.setAttribute("data-explaint-error", String(error));
      complain(mount2, error);
    }
  }
});

// explaint_lib/widgets/js/attention.js
var STATE = ["layer", "head", "combine", "view", "merged", "show_special", "measure"];
var AttentionView = class {
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
    model.send({ type: "hello" });
  }
  /** @param {string} key */
  get(key2) {
    return this.model.get(key2);
  }
  /** @param {Record<string, unknown>} values */
  put(values) {
    for (const [key2, value] of Object.entries(values)) this.model.set(key2, value);
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
    const layer = `Layer ${this.get("layer")}`, combine = this.get("combine");
    return combine ? `${layer}, ${this.maps.combinations[combine] ?? combine}` : `${layer}, ${this.maps.headName(this.get("head"))}`;
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
      ...dealt.named ? { name: `Map ${LETTERS[slot]}: ${maps.list[i].name}` } : { name: `Map ${LETTERS[slot]}`, glyph: LETTERS[slot], colour: "--fg", identity: null }
    }));
  }
  build() {
    const { maps } = this, { panelsBox } = this.controls, [layer, head, measure, combine] = ["layer", "head", "measure", "combine"].map((key2) => this.get(key2)), list = this.shownMaps, blind = this.dealt?.named === false;
    maps.showing(layer, head, combine);
    const wholes = list.map((map) => maps.full(map, layer, head, combine)), weights = list.map((map) => maps.matrix(map, layer, head, combine)), matrices = blind ? weights.map((a, i) => ranked(a, list[i].causal)) : weights, peaks = matrices.map((a) => a.reduce((x, y) => Math.max(x, y), 1e-4));
    this.scale = Math.max(...peaks);
    this.width = panelsBox.clientWidth;
    const count = list.length, room = Math.max(240, Math.floor(count > 1 && this.width >= 600 ? (this.width - 20) / 2 : this.width));
    const refocus = panelsBox.contains(rootOf(this.box).activeElement), make = this.get("view") === "matrix" ? matrixFigure : linesFigure;
    this.panels = list.map((map, i) => {
      const given = {
        items: maps.items,
        matrix: matrices[i],
        scale: this.scale,
        identity: maps.identity(map, measure, layer),
        // while the reader guesses, both maps are to be in view on a phone
        width: Math.min(room, this.dealt && this.width < 600 ? 250 : count > 1 ? 460 : 620)
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
          percent: (weight) => blind ? "" : maps.percent(weight)
        })
      };
    });
    this.box.classList.toggle("asking", this.dealt !== null);
    panelsBox.classList.toggle("long", maps.items.length > 26);
    panelsBox.replaceChildren(
      ...this.panels.map(
        (p) => html(
          "div",
          { class: "panel", style: `--ink: var(${p.colour})` },
          html("p", { class: "name" }, html("span", { "aria-hidden": "true" }, blind ? "" : p.glyph), p.name),
          html("p", { class: "muted" }, this.dealt ? "" : maps.remark(p.matrix, p.whole)),
          p.svg
        )
      )
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
      `${this.maps.percent(this.scale)}${list.length > 1 ? ", one scale for both maps" : ""}. `
    ];
    const unknown = this.panels.find((p) => !p.identity);
    if (measure)
      parts.push(
        `Links, cells and gauges are paler at positions that are less close to their own token (${measure}, state entering layer ${layer})${unknown ? `; not known for ${unknown.name}` : ""}. `
      );
    tell(legend, ...parts, this.panels.find((p) => p.note)?.note ?? "");
  }
  // -- the selection: what the pointer, the keyboard or a pin points at, {q, k}; the same in every panel --
  paint(refocus = false) {
    const spot = this.hover ?? this.cursor ?? this.pin ?? NONE, stop = this.cursor ?? this.pin ?? NONE;
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
      const unseen = this.width === 0;
      if (!clientWidth || Math.abs(clientWidth - this.width) <= 2) return;
      this.checkTheme();
      if (unseen) this.repaint();
      else this.build();
    });
  }
  listenToModel() {
    const refresh = once(() => this.refresh());
    const relabel = once(() => this.relabel());
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
        this.maps = await AttentionMaps.load((key2) => this.get(key2));
        this.controls.rebuild();
        this.relabel();
      },
      "msg:custom": (message) => {
        if (message?.type === "alive" && message.compute) this.controls.panelsBox.before(this.controls.form);
        if (message?.type !== "error") return;
        tell(this.controls.error, message.text ?? "");
        this.controls.reading.speak(this.pin ?? NONE);
      }
    };
    for (const [event, act] of Object.entries(handlers)) this.model.on(event, act);
    return handlers;
  }
  // -- the state as a link --
  /** @returns {ViewState} */
  snapshot() {
    const pin = this.pin && { q: this.pin.q, k: this.pin.k };
    const state = STATE.map((key2) => [key2, this.get(key2)]);
    return { kind: "attention", overview: this.controls.overview, pin, ...Object.fromEntries(state) };
  }
  /**
   * Show a state; a link may be older than the page: what does not fit is left as it is.
   *
   * @param {ViewState} state
   */
  restore(state) {
    const { meta, combinations } = this.maps;
    const own = (known, name) => typeof name === "string" && Object.hasOwn(known, name);
    const fits = {
      layer: (v) => isPlace(v, meta.layers),
      head: (v) => isPlace(v, meta.heads),
      combine: (v) => v === "" || own(combinations, v),
      view: (v) => v === "lines" || v === "matrix",
      merged: (v) => typeof v === "boolean",
      show_special: (v) => typeof v === "boolean",
      measure: (v) => v === "" || own(meta.identity ?? {}, v)
    };
    this.controls.guessing.stop(false);
    this.put(Object.fromEntries(STATE.filter((key2) => fits[key2](state[key2])).map((key2) => [key2, state[key2]])));
    if (isPlace(state.overview, this.maps.list.length)) this.controls.overlook(state.overview);
    setTimeout(() => {
      const known = (i) => i === null || isPlace(i, this.maps.items.length);
      if (!state.pin || !known(state.pin.q) || !known(state.pin.k)) return;
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
        this.panels.map((p) => p.matrix)
      )
    );
  }
  saveSvg() {
    const title = `${this.get("label")} (${this.title})`;
    download(this.fileName("svg"), "image/svg+xml", exportSvg(this.box, this.panels, title));
  }
};
var attention_default = living(
  async ({ model, el }) => new AttentionView(model, el, await AttentionMaps.load((key2) => model.get(key2)))
);
export {
  AttentionView,
  attention_default as default
};
