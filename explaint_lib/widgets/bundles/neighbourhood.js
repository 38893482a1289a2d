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
  for (const [key, value] of Object.entries(props))
    element.setAttribute(key, key === "aria-label" || key === "title" ? plain(String(value)) : String(value));
  return element;
}
function put(element, props, children) {
  const given = Object.entries(props).filter(([, value]) => value !== null && value !== void 0 && value !== false);
  set(element, Object.fromEntries(given.map(([key, value]) => [key, value === true ? "" : value])));
  element.append(...children.map(plainly));
  return element;
}
var tell = (element, ...parts) => element.replaceChildren(...parts.map(plainly));
var html = (tag, props = {}, ...children) => put(document.createElement(tag), props, children);
var svg = (tag, props = {}, ...children) => put(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
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

// explaint_lib/widgets/js/keys.js
function nextEntry(list, place, key, lengths) {
  const steps = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] };
  if (!Object.hasOwn(steps, key)) return null;
  const [across, along] = steps[key];
  return [list + across, Math.min(place + along, (lengths[list + across] ?? 0) - 1)];
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

// explaint_lib/widgets/js/neighbourhood_lists.js
var NOBODY = 65535;
var COLOURS = 6;
var SHAPES = [
  [12, 0],
  // corners and first angle in quarters of a turn; 12 corners are a disc
  [4, 0.5],
  [4, 0],
  [3, -1]
];
var kindStyle = (kind) => [kind % COLOURS, (kind + Math.floor(kind / COLOURS)) % SHAPES.length];
function corners(shape, x, y, r) {
  const [n, start] = SHAPES[shape];
  return Array.from({ length: n }, (_, i) => {
    const angle = start * Math.PI / 2 + 2 * Math.PI * i / n;
    return [x + r * Math.cos(angle), y + r * Math.sin(angle)];
  });
}
var pointsOf = (points) => points.map((p) => p.map((v) => v.toFixed(1)).join()).join(" ");
var swatch = (style) => svg(
  "svg",
  { class: "swatch", viewBox: "0 0 12 12", "aria-hidden": "true" },
  style ? svg("polygon", { points: pointsOf(corners(style[1], 6, 6, 5)), fill: `var(--kind${style[0]})` }) : svg("circle", { cx: 6, cy: 6, r: 2.5, fill: "var(--edge)" })
);
var NeighbourLists = class _NeighbourLists {
  /** Categories, the largest first. @type {string[]} */
  kinds = [];
  /** How many words each category has. @type {Map<string, number>} */
  sizes = /* @__PURE__ */ new Map();
  /** For each condition the mean share of a word's neighbours that are of its category. @type {number[]} */
  kinMean = [];
  kinChance = 0;
  /** @param {Get} get */
  static async load(get) {
    const meta = get("meta");
    const raw = await inflate(get("data"));
    const size = meta.conditions.length * meta.k * meta.words.length;
    if (raw.length !== 2 * size) throw new Error(`expected ${2 * size} bytes of payload, found ${raw.length}`);
    return new _NeighbourLists(meta, raw, asBytes(get("places")).length ? await inflate(get("places")) : null);
  }
  /**
   * @param {NeighbourMeta} meta
   * @param {Uint8Array} raw (low or high byte, condition, rank, word)
   * @param {Uint8Array | null} places
   */
  constructor(meta, raw, places) {
    this.meta = meta;
    this.words = meta.words;
    this.conditions = meta.conditions;
    this.k = meta.k;
    this.categories = meta.categories;
    this.controls = meta.controls;
    this.raw = raw;
    this.places = places;
    this.n = meta.words.length;
    this.index = new Map(meta.words.map((word, i) => [word, i]));
    this.folded = meta.words.map((word) => word.toLowerCase());
    this.chance = this.k / (this.n - 1);
    if (this.categories) this.countCategories(this.categories);
  }
  /** @param {(string | null)[]} categories */
  countCategories(categories) {
    const { sizes } = this;
    for (const category of categories) if (category !== null) sizes.set(category, (sizes.get(category) ?? 0) + 1);
    this.kinds = [...sizes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
    const known = categories.flatMap(
      (category, i) => category === null ? [] : [{ i, kin: sizes.get(category) ?? 0 }]
    );
    this.kinChance = known.reduce((sum, { kin }) => sum + kin - 1, 0) / known.length / (this.n - 1);
    this.kinMean = this.conditions.map((_, c) => {
      const lists = known.map(({ i }) => ({ i, near: this.near(c, i) })).filter(({ near }) => near.length);
      return lists.reduce((sum, { i, near }) => sum + this.kinCount(i, near) / this.k, 0) / lists.length;
    });
  }
  /**
   * @param {number} i
   * @param {number[]} list
   */
  kinCount(i, list) {
    return list.filter((j) => this.kin(i, j)).length;
  }
  /**
   * Return how a word's category is drawn, or null beyond what can be told apart.
   *
   * @param {number} i
   */
  style(i) {
    const category = this.categories?.[i] ?? null;
    const kind = category === null ? -1 : this.kinds.indexOf(category);
    return kind < 0 || kind >= COLOURS * SHAPES.length ? null : kindStyle(kind);
  }
  /**
   * Return a word's neighbours, nearest first.
   *
   * @param {number} condition
   * @param {number} i
   */
  near(condition, i) {
    const size = this.raw.length / 2, at = (rank) => (condition * this.k + rank) * this.n + i;
    return Array.from({ length: this.k }, (_, rank) => this.raw[at(rank)] + 256 * this.raw[size + at(rank)]).filter(
      (j) => j !== NOBODY
    );
  }
  /**
   * Return where a word stands on the map, from 0 to 1.
   *
   * @param {number} i
   * @param {0 | 1} axis
   */
  place(i, axis) {
    const o = 4 * i + 2 * axis;
    return this.places ? (this.places[o] + 256 * this.places[o + 1]) / 65535 : NaN;
  }
  /**
   * @param {number} i
   * @param {number} j
   */
  kin(i, j) {
    const { categories } = this;
    return categories !== null && categories[i] !== null && categories[i] === categories[j];
  }
  /** @param {number} i */
  category(i) {
    const category = this.categories?.[i];
    return category ? ` (${short(category)})` : "";
  }
  /**
   * Return the features that two words share; null where features are not known.
   *
   * @param {number} i
   * @param {number} j
   */
  shared(i, j) {
    const { features, feature_names: names } = this.meta;
    return features && names && features[i].filter((f) => features[j].includes(f)).map((f) => names[f]);
  }
  /** @param {string} typed */
  find(typed) {
    const exact = this.index.get(typed);
    return exact ?? this.folded.indexOf(typed.toLowerCase());
  }
  /** @param {string} typed */
  beginning(typed) {
    return typed ? this.words.filter((_, i) => this.folded[i].startsWith(typed.toLowerCase())) : [];
  }
  /**
   * Return a word's lists as a CSV file.
   *
   * @param {number} i
   */
  csv(i) {
    const gold = new Set(this.near(0, i));
    const rows = this.conditions.flatMap(
      (name, c) => this.near(c, i).map((j, rank) => [
        this.words[i],
        name,
        rank + 1,
        this.words[j],
        gold.has(j),
        this.categories ? this.kin(i, j) : ""
      ])
    );
    return csvFile([["word", "condition", "rank", "neighbour", "also_gold", "same_category"], ...rows]);
  }
};

// explaint_lib/widgets/js/neighbourhood_columns.js
function shownColumns(view) {
  const { dealt, lists } = view;
  if (!dealt) return lists.conditions.map((name, c) => [name, c]);
  const letters = dealt.order.map(
    (c, slot) => (
      /** @type {[string, number]} */
      [`List ${LETTERS[slot]}${dealt.named ? `: ${lists.conditions[c]}` : ""}`, c]
    )
  );
  return dealt.named && !dealt.order.includes(0) ? [[lists.conditions[0], 0], ...letters] : letters;
}
function columnOf(view, name, c) {
  const { lists, self, blind } = view, list = lists.near(c, self), hits = view.hits(list), kin = lists.kinCount(self, list), control = lists.controls.includes(lists.conditions[c]) && !blind;
  let verdict = c === 0 ? "the reference" : `${hits} of ${lists.k} shared with ${lists.conditions[0]}`;
  if (!list.length) verdict = "no vector, so no neighbours";
  const shown = view.map && !blind && lists.conditions[c] === view.model.get("shown"), muted = (text) => html("span", { class: "muted" }, text), own = blind ? null : lists.categories?.[self];
  const classes = ["column", c === 0 && !blind ? "gold" : "", shown ? "shown" : "", control ? "control" : ""];
  return html(
    "div",
    { role: "group", class: classes.filter(Boolean).join(" "), "aria-label": name },
    html(
      "p",
      { class: "name" },
      control ? html("span", { "aria-hidden": "true" }, "▲ ") : "",
      name,
      control ? html("span", { class: "hidden" }, ", a control") : ""
    ),
    muted(blind && list.length ? "" : verdict),
    c === 0 || blind ? html("span") : scoreOf(lists.k, hits, lists.meta.overlap[c], lists.chance, `shared with ${lists.conditions[0]}`),
    own ? html(
      "span",
      { class: "muted" },
      view.model.get("colours") && lists.style(self) ? swatch(lists.style(self)) : "◆ ",
      `${kin} of ${lists.k}: ${short(own)}`
    ) : html("span"),
    own ? scoreOf(lists.k, kin, lists.kinMean[c], lists.kinChance, "of the same category", "kin") : html("span"),
    html("ol", {}, ...list.map((j, rank) => entryOf(view, j, rank, c)))
  );
}
function entryOf(view, j, rank, c) {
  const { lists, blind } = view, hit = c > 0 && !blind && view.gold.has(j), kin = !blind && lists.kin(view.self, j), coloured = !blind && view.model.get("colours") && lists.categories !== null, marks = html("span", { class: "marks", "aria-hidden": "true" });
  if (hit) marks.append(html("span", { title: `also near under ${lists.conditions[0]}` }, "✓"));
  if (kin && !(coloured && lists.style(j))) marks.append(html("span", { class: "kin", title: "same category" }, "◆"));
  const spoken = `${hit ? `, also near under ${lists.conditions[0]}` : ""}${kin ? ", same category" : ""}${coloured && !kin ? lists.category(j) : ""}`;
  const go = html(
    "button",
    { type: "button", "data-j": j },
    ...coloured ? [swatch(lists.style(j))] : [],
    html("span", {}, visible(lists.words[j])),
    html("span", { class: "hidden" }, spoken)
  );
  return html(
    "li",
    { class: hit ? "hit" : "", "data-j": j },
    html("span", { "aria-hidden": "true" }, rank + 1),
    go,
    marks
  );
}
function scoreOf(k, hits, mean, chance, what, name = "") {
  const x = (share) => 6 + 128 * share;
  const says = `${hits} of ${k}; all words ${(k * mean).toFixed(1)}; chance ${(k * chance).toFixed(2)}`;
  const tick = (share, y1, y2, kind = "axis") => svg("line", { class: kind, x1: x(share), x2: x(share), y1, y2 });
  return svg(
    "svg",
    {
      class: `score ${name}`,
      viewBox: "0 0 140 30",
      preserveAspectRatio: "xMinYMid meet",
      role: "img",
      "aria-label": `Neighbours ${what}: ${says}`
    },
    svg("title", {}, says),
    svg("line", { class: "axis", x1: x(0), x2: x(1), y1: 11, y2: 11 }),
    tick(0, 8, 14),
    tick(1, 8, 14),
    tick(chance, 3, 19, "chance"),
    tick(mean, 3, 19, "mean"),
    name ? svg("polygon", { class: "this", points: pointsOf(corners(2, x(hits / k), 11, 6)) }) : svg("circle", { class: "this", cx: x(hits / k), cy: 11, r: 5 }),
    svg("text", { x: 2, y: 29 }, "0"),
    svg("text", { x: 140, y: 29, "text-anchor": "end" }, k)
  );
}

// explaint_lib/widgets/js/share.js
var SHARED = "explaint-";
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

// explaint_lib/widgets/js/neighbourhood_controls.js
var NeighbourhoodControls = class {
  /** @param {NeighbourhoodView} view */
  constructor(view) {
    this.view = view;
    const bar = (name, ...parts) => html("div", { class: `bar ${name}` }, ...parts);
    this.input = html("input", { type: "search", autocomplete: "off", spellcheck: "false", list: "words" });
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
      html("span", { class: "muted" }, "with commas between them")
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
        button("Download CSV", () => view.saveCsv())
      ),
      shareBox(view, view.model.onPage === true)
    );
  }
  /**
   * Return what the signs in the lists mean.
   *
   * @param {NeighbourLists} lists
   * @param {boolean} colours
   */
  key(lists, colours) {
    const line = (name) => svg("line", { class: name, x1: 11, x2: 11, y1: 0, y2: 12 });
    const entry = (shape, text) => html("span", {}, svg("svg", { viewBox: "0 0 22 12", "aria-hidden": "true" }, shape), ` ${text}`);
    const main = html(
      "div",
      { class: "key muted" },
      entry(svg("circle", { class: "this", cx: 11, cy: 6, r: 5 }), "this word"),
      entry(line("mean"), `all ${lists.n.toLocaleString("en")} words`),
      entry(line("chance"), "chance"),
      html("span", {}, `✓ also near under ${lists.conditions[0]}`),
      ...lists.categories ? [html("span", {}, "◆ same category")] : [],
      ...lists.controls.length ? [html("span", {}, "▲ control")] : []
    );
    if (!lists.categories || !colours) return [main];
    const drawn = lists.kinds.slice(0, COLOURS * SHAPES.length), rest = lists.kinds.length - drawn.length;
    const kinds = html(
      "div",
      { class: "key muted kinds", role: "group", "aria-label": "Categories", tabindex: 0 },
      ...drawn.map((name, kind) => html("span", {}, swatch(kindStyle(kind)), `${name} ${lists.sizes.get(name) ?? 0}`)),
      ...rest ? [html("span", {}, swatch(null), `${rest} smaller categories`)] : []
    );
    return [main, kinds];
  }
};
var MapBox = class {
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
      ...lists.conditions.map((c) => html("option", { value: c }, c))
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
      this.beside
    );
  }
};

// explaint_lib/widgets/js/neighbourhood_guess.js
function neighbourhoodGuessing(view) {
  const { lists } = view, rivals = lists.conditions.map((_, c) => c).slice(1), dealable = rivals.length > 1 ? rivals : [0, 1];
  let deck = [];
  let before = null;
  const target = html("select", {}, ...rivals.map((c) => html("option", { value: c }, lists.conditions[c])));
  const draw = (claim) => {
    for (let tries = 0; tries < 2 * lists.n; tries++) {
      if (!deck.length) deck = shuffled(Array.from({ length: lists.n }, (_, i) => i));
      const word = Number(deck.pop()), texts = dealable.map((c) => lists.near(c, word).join());
      const twin = dealable.some((c, i) => c !== claim && texts[i] === texts[dealable.indexOf(claim)]);
      if (texts.every(Boolean) && !twin) return word;
    }
    return 0;
  };
  const deal = () => {
    const claim = +target.value, name = lists.conditions[claim], word = draw(claim);
    before ??= view.model.get("word");
    const dealt = { order: shuffled(dealable), named: false };
    view.dealt = dealt;
    view.put({ word: lists.words[word] });
    view.refresh();
    const right = dealt.order.indexOf(claim);
    return {
      question: `“${visible(lists.words[word])}”: which list is “${name}”?`,
      hint: dealable.includes(0) ? "" : `“${lists.conditions[0]}” is not among them.`,
      answers: dealt.order.map((_, slot) => `List ${LETTERS[slot]}`),
      right,
      after: `“${name}” was list ${LETTERS[right]}.`
    };
  };
  const guessing = new Guessing({
    invite: "The lists without their names: can you tell them apart?",
    deal,
    show() {
      if (view.dealt) view.dealt.named = true;
      view.refresh();
    },
    leave() {
      view.dealt = null;
      view.put({ word: before });
      before = null;
      view.refresh();
    }
  });
  if (rivals.length > 1) guessing.extra.append(html("label", {}, "Find", target));
  target.addEventListener("change", () => Object.assign(guessing, { right: 0, rounds: 0 }));
  return guessing;
}

// explaint_lib/widgets/js/neighbourhood_map.js
var MAP_EDGE = 26;
var WordMap = class {
  /** What is shown of the unit square: left, bottom, side. */
  window = [0, 0, 1];
  /** Where names and points are: left, top, right, bottom. @type {number[][]} */
  taken = [];
  /**
   * @param {Element} box where colours are read
   * @param {NeighbourLists} lists
   */
  constructor(box, lists) {
    this.box = box;
    this.lists = lists;
    this.canvas = html("canvas");
    this.overlay = svg("svg", { "aria-hidden": "true" });
    this.element = html("div", { class: "frame" }, this.canvas, this.overlay);
  }
  /**
   * Return where word `i` stands on a map of `side` pixels.
   *
   * @param {number} i
   * @param {number} side
   */
  at(i, side = this.element.clientWidth) {
    const [left, bottom, span] = this.window, x = (this.lists.place(i, 0) - left) / span, y = (this.lists.place(i, 1) - bottom) / span;
    return [MAP_EDGE + x * (side - 2 * MAP_EDGE), MAP_EDGE + (1 - y) * (side - 2 * MAP_EDGE)];
  }
  /**
   * Return the word under the pointer, or null.
   *
   * @param {MouseEvent} event
   * @returns {number | null}
   */
  under(event) {
    const frame = this.element.getBoundingClientRect();
    let best = null;
    let least = 18 ** 2;
    for (let i = 0; i < this.lists.n; i++) {
      const [x, y] = this.at(i, frame.width), distance = (x - event.clientX + frame.left) ** 2 + (y - event.clientY + frame.top) ** 2;
      if (distance >= least) continue;
      least = distance;
      best = i;
    }
    return best;
  }
  /** @param {number[] | null} around the words that must be seen; null for all */
  aim(around) {
    this.window = [0, 0, 1];
    if (!around) return;
    const ranges = (
      /** @type {const} */
      [0, 1].map((axis) => around.map((i) => this.lists.place(i, axis))).map((v) => [Math.min(...v), Math.max(...v)])
    );
    const span = Math.min(1, Math.max(0.08, 1.15 * Math.max(...ranges.map(([low, high]) => high - low))));
    this.window = [...ranges.map(([low, high]) => (low + high - span) / 2), span];
  }
  /**
   * @param {object} scene
   * @param {number} scene.self the chosen word
   * @param {number | null} scene.near the neighbour pointed at
   * @param {number[]} scene.list the neighbours
   * @param {Set<number>} scene.gold those under the reference
   * @param {boolean} scene.zoom
   * @param {boolean} scene.colours whether every category has its colour
   */
  draw({ self, near, list, gold, zoom, colours }) {
    const side = this.element.clientWidth;
    if (!side) return;
    this.aim(zoom ? [self, ...list] : null);
    this.points(self, side, colours);
    set(this.overlay, { viewBox: `0 0 ${side} ${side}` });
    this.taken = [self, ...list].map((i) => this.at(i)).map(([x2, y2]) => [x2 - 4, y2 - 4, x2 + 4, y2 + 4]);
    const [x, y] = this.at(self), pointed = near !== null && near !== self ? [near] : [];
    const names = [self, ...pointed].flatMap((i) => this.name(i, { class: "self" }));
    const rays = list.map((i) => this.at(i)).map(([x2, y2]) => svg("line", { class: "ray", x1: x, y1: y, x2, y2 }));
    const dots = list.map((i) => {
      const [cx, cy] = this.at(i);
      return svg(
        "g",
        { class: gold.has(i) ? "hit" : "" },
        svg("circle", { class: "dot", cx, cy, r: 4.5 }),
        ...i === near ? [] : this.name(i)
      );
    });
    const ring = pointed.map((i) => this.at(i)).map(([cx, cy]) => svg("circle", { class: "ring", cx, cy, r: 8 }));
    this.overlay.replaceChildren(
      ...rays,
      ...dots,
      svg("circle", { class: "self", cx: x, cy: y, r: 6 }),
      ...ring,
      ...names
    );
  }
  /**
   * @param {number} self
   * @param {number} side
   * @param {boolean} colours
   */
  points(self, side, colours) {
    const { n } = this.lists, ratio = Math.min(3, devicePixelRatio || 1), brush = brushOf(this.canvas), many = n > 1500;
    this.canvas.width = this.canvas.height = side * ratio;
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    const shapes = Array.from({ length: COLOURS }, (_, i) => cssColour(this.box, `--kind${i}`));
    const shape = (points) => {
      brush.beginPath();
      for (const [x, y] of points) brush.lineTo(x, y);
      brush.fill();
    };
    for (const kin of [false, true]) {
      brush.fillStyle = cssColour(this.box, kin ? "--mark" : "--edge");
      brush.globalAlpha = kin ? 0.9 : many ? 0.35 : 0.55;
      for (let i = 0; i < n; i++) {
        if (i === self || this.lists.kin(self, i) !== kin) continue;
        const [x, y] = this.at(i, side), style = colours ? this.lists.style(i) : null;
        if (style) {
          brush.fillStyle = shapes[style[0]];
          brush.globalAlpha = many ? 0.7 : 0.85;
          shape(corners(style[1], x, y, many ? 2.6 : 4));
          brush.fillStyle = cssColour(this.box, "--edge");
        } else if (kin) shape(corners(2, x, y, 4.5));
        else shape(corners(0, x, y, many ? 1.6 : 2.4));
      }
    }
  }
  /**
   * Write a name only where it covers no other name and no neighbour's point: [] where there is no such place.
   *
   * @param {number} i
   * @param {import("./dom.js").Props} props
   */
  name(i, props = {}) {
    const side = this.element.clientWidth, [x, y] = this.at(i), text = fit(visible(this.lists.words[i]), side * 0.4), width = widthOf(text) * 0.93;
    for (const lift of [0, -13, 13, -26, 26])
      for (const left of [x + 8, x - 8 - width]) {
        const [l, t, r, b] = [left, y + lift - 8, left + width, y + lift + 6];
        const free = this.taken.every(([l2, t2, r2, b2]) => l > r2 || r < l2 || t > b2 || b < t2);
        if (!free || l < 0 || r > side || t < 0 || b > side) continue;
        this.taken.push([l, t, r, b]);
        return [svg("text", { x: left, y: y + lift + 4, ...props }, text)];
      }
    return [];
  }
};

// explaint_lib/widgets/js/neighbourhood_style.js
var CSS = `
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

// explaint_lib/widgets/js/page.js
function makeModel(state) {
  const handlers = /* @__PURE__ */ new Map();
  const changed = /* @__PURE__ */ new Set();
  return {
    get: (key) => state[key],
    set(key, value) {
      if (state[key] === value) return;
      state[key] = value;
      changed.add(key);
    },
    save_changes() {
      for (const key of [...changed]) {
        changed.delete(key);
        for (const act of handlers.get(`change:${key}`) ?? []) act();
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
      for (const [key, text] of Object.entries(buffers)) state[key] = bytes85(text);
      figure.explaintView = await open({ model: makeModel(state), el: mount2 });
      figure.setAttribute("data-explaint-ready", "");
      followLink(figure);
    } catch (error) {
      figure.setAttribute("data-explaint-error", String(error));
      complain(mount2, error);
    }
  }
});

// explaint_lib/widgets/js/neighbourhood.js
var STATE = ["word", "shown", "colours"];
var NeighbourhoodView = class {
  self = 0;
  /** @type {number | null} */
  pointed = null;
  zoom = false;
  room = 0;
  /** @type {Dealt | null} */
  dealt = null;
  /** @type {Set<number>} */
  gold = /* @__PURE__ */ new Set();
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
    model.send({ type: "hello" });
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
    controls.guessBox.replaceChildren(...this.guessing ? [this.guessing.element] : []);
    controls.toldBox.replaceChildren(...this.guessing ? [this.guessing.told] : []);
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
      ...this.map ? [this.map.element] : []
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
    const free = across - shownColumns(this).length % across;
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
    const says = where.length ? `: near “${visible(lists.words[self])}” under ${where.join(", ")}.` : `: not among the ${lists.k} nearest under any condition.`;
    const parts = [html("b", {}, visible(lists.words[pointed])), lists.category(pointed) + says];
    if (both) {
      const more = both.length > 12 ? ` and ${both.length - 12} more` : "";
      parts.push(
        html("div", {}, both.length ? `Both: ${both.slice(0, 12).join(", ")}${more}.` : "No feature in common.")
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
        const [first] = e.key === "Enter" ? this.lists.beginning(input.value.trim()) : [];
        if (first === void 0) return;
        this.put({ word: first });
        input.value = first;
      },
      { signal }
    );
    columns.addEventListener("click", (e) => this.follow(targetOf(e)), { signal });
    columns.addEventListener(
      "pointerover",
      (e) => {
        const entry = targetOf(e).closest("li");
        if (!targetOf(e).closest(".map")) this.point(entry && Number(entry.dataset.j));
      },
      { signal }
    );
    columns.addEventListener("pointerleave", () => this.point(null), { signal });
    columns.addEventListener(
      "focusin",
      (e) => {
        const entry = entryOf2(targetOf(e));
        if (entry) this.point(Number(entry.dataset.j));
      },
      { signal }
    );
    columns.addEventListener("keydown", (e) => this.move(e), { signal });
  }
  listenToModel() {
    const again = once(() => this.refresh());
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
      }
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
        `${like.length} words begin like this: ${like.slice(0, 5).map(visible).join(", ")}${like.length > 5 ? " …" : ""}`
      );
  }
  /** @param {Element} target what was clicked */
  follow(target) {
    const entry = entryOf2(target);
    if (!entry || this.guessing?.open) return;
    const { columns } = this.controls;
    const c = [...columns.querySelectorAll(".column")].indexOf(
      /** @type {Element} */
      entry.closest(".column")
    );
    this.go(Number(entry.dataset.j));
    queueMicrotask(() => columns.children[c]?.querySelector("button")?.focus());
  }
  /** @param {KeyboardEvent} event */
  move(event) {
    const entry = entryOf2(targetOf(event));
    if (!entry) return;
    const columns = [...this.controls.columns.querySelectorAll(".column")].map((column) => [
      ...column.querySelectorAll("button")
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
    const fits = {
      word: (v) => lists.index.has(v),
      shown: (v) => lists.conditions.includes(v),
      colours: (v) => typeof v === "boolean"
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
};
var entryOf2 = (target) => (
  /** @type {HTMLButtonElement | null} */
  target.closest("li button")
);
var neighbourhood_default = living(
  async ({ model, el }) => new NeighbourhoodView(model, el, await NeighbourLists.load((key) => model.get(key)))
);
export {
  NeighbourhoodView,
  neighbourhood_default as default
};
