// explaint_lib/widgets/js/bytes.js
var DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=.?@^_`{|}~";
var VALUES = new Map([...DIGITS].map((character, i) => [character, i]));
function bytes85(text) {
  const count = Math.ceil(text.length / 5);
  const out = new DataView(new ArrayBuffer(4 * count));
  const padded = text.padEnd(5 * count, "~");
  for (let i = 0; i < count; i++) {
    let number2 = 0;
    for (let j = 5 * i; j < 5 * i + 5; j++) number2 = 85 * number2 + (VALUES.get(padded[j]) ?? NaN);
    if (!(number2 < 2 ** 32)) throw new Error("the compressed data is damaged");
    out.setUint32(4 * i, number2);
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
function button(text, act, props = {}) {
  const element = html("button", { type: "button", class: "button", ...props }, text);
  element.addEventListener("click", act);
  return element;
}
var FONT = '13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif';
var pen;
function widthOf(text) {
  pen ??= brushOf(html("canvas"));
  pen.font = FONT;
  return pen.measureText(text).width;
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

// explaint_lib/widgets/js/nulls_data.js
function worldOf(meta, vectors, cells) {
  const { n, p, m } = meta;
  const start = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) start[i + 1] = start[i] + cells[2 * i] + 256 * cells[2 * i + 1];
  const filled = start[n];
  if (vectors.length !== n * p || cells.length !== 2 * n + 3 * filled || meta.folds.length !== n)
    throw new Error(`expected vectors of ${n} x ${p} and norms of ${n} words`);
  const column = new Int32Array(filled), value = new Float64Array(filled);
  for (let c = 0; c < filled; c++) {
    column[c] = cells[2 * n + 2 * c] + 256 * cells[2 * n + 2 * c + 1];
    value[c] = cells[2 * n + 2 * filled + c];
    if (column[c] >= m) throw new Error(`expected ${m} features, found number ${column[c]}`);
  }
  return {
    n,
    p,
    vectors,
    norms: { m, start, column, value },
    folds: Int32Array.from(meta.folds),
    kinds: Int32Array.from(meta.kinds),
    penalty: meta.penalty
  };
}
function rowsOf(n, m, word, feature, strength) {
  const start = new Int32Array(n + 1);
  for (let c = 0; c < word.length; c++) start[word[c] + 1]++;
  for (let i = 0; i < n; i++) start[i + 1] += start[i];
  const next = start.slice(0, n), column = new Int32Array(word.length), value = new Float64Array(word.length);
  for (let c = 0; c < word.length; c++) {
    const at = next[word[c]]++;
    column[at] = feature[c];
    value[at] = strength[c];
  }
  return { m, start, column, value };
}
function reordered(rows, order) {
  const start = new Int32Array(order.length + 1), column = new Int32Array(rows.column.length), value = new Float64Array(rows.value.length);
  for (let i = 0; i < order.length; i++) {
    const [from, to] = [rows.start[order[i]], rows.start[order[i] + 1]];
    column.set(rows.column.subarray(from, to), start[i]);
    value.set(rows.value.subarray(from, to), start[i]);
    start[i + 1] = start[i] + to - from;
  }
  return { m: rows.m, start, column, value };
}

// explaint_lib/widgets/js/nulls_draws.js
var TRADES_PER_WORD = 15;
function randomOf(seed, draw) {
  let state = (Math.imul(seed + 1, 2654435761) ^ Math.imul(draw + 1, 2246822507)) >>> 0;
  const next = () => {
    state = state + 1831565813 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 4; i++) next();
  return next;
}
function shuffle(list, random, first = list.length) {
  for (let i = 0; i < Math.min(first, list.length - 1); i++) {
    const j = i + Math.floor(random() * (list.length - i));
    const kept = list[i];
    list[i] = list[j];
    list[j] = kept;
  }
  return list;
}
var upTo = (n) => Int32Array.from({ length: n }, (_, i) => i);
function strengthsOf(rows) {
  const lists = Array.from({ length: rows.m }, () => []);
  rows.column.forEach((feature, c) => {
    lists[feature].push(rows.value[c]);
  });
  return lists;
}
function shuffledColumns({ n, norms }, random) {
  const words = upTo(n);
  const [word, feature, strength] = [[], [], []];
  strengthsOf(norms).forEach((values, f) => {
    shuffle(words, random, values.length);
    values.forEach((value, i) => {
      word.push(words[i]);
      feature.push(f);
      strength.push(value);
    });
  });
  return rowsOf(n, norms.m, word, feature, strength);
}
function orderWithin(kinds, random) {
  const order = upTo(kinds.length);
  for (const kind of new Set(kinds)) {
    if (kind < 0) continue;
    const members = [...order.keys()].filter((i) => kinds[i] === kind);
    const dealt = shuffle([...members], random);
    for (let i = 0; i < members.length; i++) order[members[i]] = dealt[i];
  }
  return order;
}
function rewired({ n, norms }, random) {
  const owned = Array.from({ length: n }, (_, i) => norms.column.slice(norms.start[i], norms.start[i + 1]).sort());
  for (let trade = 0; trade < TRADES_PER_WORD * n; trade++) {
    const a = Math.floor(random() * n), b = (a + 1 + Math.floor(random() * (n - 1))) % n;
    const [mine, other] = [owned[a], owned[b]];
    const both = [], pool = [];
    let only = 0;
    for (let i = 0, j = 0; i < mine.length || j < other.length; ) {
      if (j === other.length || mine[i] < other[j]) {
        pool.push(mine[i++]);
        only++;
      } else if (i === mine.length || other[j] < mine[i]) pool.push(other[j++]);
      else {
        both.push(mine[i++]);
        j++;
      }
    }
    if (only === 0 || only === pool.length) continue;
    shuffle(pool, random, only);
    owned[a] = Int32Array.from([...both, ...pool.slice(0, only)]).sort();
    owned[b] = Int32Array.from([...both, ...pool.slice(only)]).sort();
  }
  const left = strengthsOf(norms).map((values) => shuffle(values, random));
  const [word, feature, strength] = [[], [], []];
  owned.forEach((features, i) => {
    for (const f of features) {
      word.push(i);
      feature.push(f);
      strength.push(Number(left[f].pop()));
    }
  });
  return rowsOf(n, norms.m, word, feature, strength);
}
function randomCells({ n, norms }, random) {
  const cells = /* @__PURE__ */ new Set();
  while (cells.size < norms.value.length) cells.add(Math.floor(random() * n * norms.m));
  const places = [...cells].sort((a, b) => a - b);
  const strength = shuffle(norms.value.slice(), random);
  return rowsOf(
    n,
    norms.m,
    places.map((place) => Math.floor(place / norms.m)),
    places.map((place) => place % norms.m),
    strength
  );
}
var DRAWS = {
  shuffled: shuffledColumns,
  permuted_pairing: ({ n, norms }, random) => reordered(norms, shuffle(upTo(n), random)),
  permuted_within: ({ kinds, norms }, random) => reordered(norms, orderWithin(kinds, random)),
  rewired,
  random: randomCells
};

// explaint_lib/widgets/js/nulls_fit.js
function fitOf(world) {
  const { n, p, folds } = world;
  const weights = new Float64Array(n * n), training = new Int32Array(n);
  for (const fold of new Set(folds)) {
    const test = [];
    const train = [];
    for (let i = 0; i < n; i++) (folds[i] === fold ? test : train).push(i);
    for (const i of test) training[i] = train.length;
    const kernel = kernelOf(world.vectors, n, p, train);
    solveInto(weights, kernel, train, test, n, world.penalty);
  }
  return { n, weights, folds, training };
}
var meanOnly = (fit) => ({ ...fit, weights: new Float64Array(fit.weights.length) });
function kernelOf(vectors, n, p, train) {
  const rows = new Float64Array(n * p);
  for (let d = 0; d < p; d++) {
    const at = d * n;
    let sum = 0, squares = 0;
    for (const i of train) sum += vectors[at + i];
    const mean2 = sum / train.length;
    for (const i of train) squares += (vectors[at + i] - mean2) ** 2;
    const deviation = Math.sqrt(squares / Math.max(train.length - 1, 1));
    const divisor = deviation > 1e-14 * Math.abs(mean2) ? deviation : 1;
    for (let i = 0; i < n; i++) rows[i * p + d] = (vectors[at + i] - mean2) / divisor;
  }
  const kernel = new Float64Array(n * n);
  productInto(kernel, rows, rows, n, p);
  return kernel;
}
function productInto(out, a, b, n, p) {
  for (let i = 0; i < n; i++) {
    const left = i * p;
    let j = i;
    for (; j + 3 < n; j += 4) {
      let [w, x, y, z] = [0, 0, 0, 0];
      for (let d = 0, q = j * p; d < p; d++, q++) {
        const own = a[left + d];
        w += own * b[q];
        x += own * b[q + p];
        y += own * b[q + 2 * p];
        z += own * b[q + 3 * p];
      }
      out[i * n + j] = out[j * n + i] = w;
      out[i * n + j + 1] = out[(j + 1) * n + i] = x;
      out[i * n + j + 2] = out[(j + 2) * n + i] = y;
      out[i * n + j + 3] = out[(j + 3) * n + i] = z;
    }
    for (; j < n; j++) {
      let sum = 0;
      for (let d = 0; d < p; d++) sum += a[left + d] * b[j * p + d];
      out[i * n + j] = out[j * n + i] = sum;
    }
  }
}
function solveInto(weights, kernel, train, test, n, penalty) {
  const t = train.length, lower = new Float64Array(t * t), side = new Float64Array(t);
  for (let i = 0; i < t; i++)
    for (let j = 0; j <= i; j++) {
      let sum = kernel[train[i] * n + train[j]] + (i === j ? penalty : 0);
      for (let k = 0; k < j; k++) sum -= lower[i * t + k] * lower[j * t + k];
      lower[i * t + j] = i === j ? Math.sqrt(sum) : sum / lower[j * t + j];
    }
  for (const word of test) {
    for (let i = 0; i < t; i++) {
      let sum = kernel[word * n + train[i]];
      for (let k = 0; k < i; k++) sum -= lower[i * t + k] * side[k];
      side[i] = sum / lower[i * t + i];
    }
    for (let i = t - 1; i >= 0; i--) {
      const solved = side[i] / lower[i * t + i];
      side[i] = solved;
      for (let k = 0; k < i; k++) side[k] -= lower[i * t + k] * solved;
    }
    for (let i = 0; i < t; i++) weights[word * n + train[i]] = side[i];
  }
}
function meansOf(fit, rows) {
  const means = /* @__PURE__ */ new Map();
  for (const fold of new Set(fit.folds)) {
    const mean2 = new Float64Array(rows.m);
    let count = 0;
    for (let k = 0; k < fit.n; k++) {
      if (fit.folds[k] === fold) continue;
      count++;
      for (let c = rows.start[k]; c < rows.start[k + 1]; c++) mean2[rows.column[c]] += rows.value[c];
    }
    means.set(
      fold,
      mean2.map((sum) => sum / count)
    );
  }
  return means;
}
function eachPrediction(fit, rows, use) {
  const means = meansOf(fit, rows), predicted = new Float64Array(rows.m);
  const { start, column, value } = rows;
  for (let i = 0; i < fit.n; i++) {
    predicted.set(
      /** @type {Float64Array} */
      means.get(fit.folds[i])
    );
    for (let k = 0; k < fit.n; k++) {
      const weight = fit.weights[i * fit.n + k];
      if (weight !== 0) for (let c = start[k]; c < start[k + 1]; c++) predicted[column[c]] += weight * value[c];
    }
    use(i, predicted);
  }
}
function wholeWeights({ n, weights, folds, training }) {
  const whole = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) if (folds[i] !== folds[k]) whole[i * n + k] = weights[i * n + k] + 1 / training[i];
  return whole;
}

// explaint_lib/widgets/js/nulls_rules.js
var RULES = [
  ["begins", "begin with"],
  ["ends", "end with"],
  ["contains", "contain"],
  ["longer", "have more letters than"],
  ["listed", "are in my list:"],
  ["coin", "win when a coin is tossed"]
];
var LEAST = 10;
function wordsWith(rule, typed, words, seed) {
  const text = typed.trim().toLowerCase();
  if (rule === "coin") {
    const random = randomOf(seed, -2);
    return words.map(() => random() < 0.5);
  }
  if (!text) return null;
  const parts = text.split(",").map((part) => part.trim()).filter(Boolean);
  const limit = Number(text);
  if (!parts.length || rule === "longer" && !(limit >= 0)) return null;
  const rules = new Map(
    Object.entries({
      begins: (word) => parts.some((part) => word.startsWith(part)),
      ends: (word) => parts.some((part) => word.endsWith(part)),
      contains: (word) => parts.some((part) => word.includes(part)),
      longer: (word) => Array.from(word).length > limit,
      listed: (word) => parts.includes(word)
    })
  );
  const has = rules.get(rule);
  return has ? words.map((word) => has(word.toLowerCase())) : null;
}
function ruleName(rule, typed) {
  const does = RULES.find(([name]) => name === rule)?.[1] ?? "";
  if (rule === "coin") return "a coin tossed for each word";
  return rule === "listed" ? "“is in my list”" : `“words that ${does} ${typed.trim()}”`;
}

// explaint_lib/widgets/js/nulls_scores.js
var K = 10;
function cutOf(values, k) {
  const top = new Float64Array(k).fill(-Infinity);
  let [cut, tied] = [-Infinity, false];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < cut) continue;
    if (value === cut) {
      tied = true;
      continue;
    }
    let at = 0;
    for (; at + 1 < k && top[at + 1] < value; at++) top[at] = top[at + 1];
    top[at] = value;
    if (top[0] === cut) tied = true;
    cut = top[0];
  }
  if (!tied) return [cut, 1];
  let [above, equal] = [0, 0];
  for (const value of values) {
    if (value > cut) above++;
    else if (value === cut) equal++;
  }
  return [cut, (k - above) / equal];
}
function f1At10(fit, rows) {
  const scores = new Float64Array(fit.n);
  eachPrediction(fit, rows, (i, predicted) => {
    const [cut, part] = cutOf(predicted, K);
    const count = rows.start[i + 1] - rows.start[i];
    let hits = 0;
    for (let c = rows.start[i]; c < rows.start[i + 1]; c++) {
      const value = predicted[rows.column[c]];
      hits += value > cut ? 1 : value === cut ? part : 0;
    }
    scores[i] = count ? 2 * hits / (K + count) : NaN;
  });
  return scores;
}
var rounded = (cosine) => Math.round(Math.max(-1, Math.min(1, cosine)) * 1e12) / 1e12;
function twoAlternatives(fit, rows, kinds) {
  const scores = new Float64Array(fit.n).fill(NaN);
  const lengths = Float64Array.from({ length: fit.n }, (_, i) => {
    let squares = 0;
    for (let c = rows.start[i]; c < rows.start[i + 1]; c++) squares += rows.value[c] ** 2;
    return squares;
  });
  eachPrediction(fit, rows, (i, predicted) => {
    if (kinds[i] < 0) return;
    let squares = 0;
    for (const value of predicted) squares += value * value;
    const near = (j) => {
      let product = 0;
      for (let c = rows.start[j]; c < rows.start[j + 1]; c++) product += predicted[rows.column[c]] * rows.value[c];
      const length = squares * lengths[j];
      return rounded(product / Math.sqrt(length > 0 ? length : 1));
    };
    const own = near(i);
    let beaten = 0, others = 0;
    for (let j = 0; j < fit.n; j++) {
      if (j === i || kinds[j] !== kinds[i] || fit.folds[j] !== fit.folds[i]) continue;
      const other = near(j);
      others++;
      beaten += other < own ? 1 : other === own ? 0.5 : 0;
    }
    if (others) scores[i] = beaten / others;
  });
  return scores;
}
function gramOf(rows, n) {
  const gram = new Float64Array(n * n), owners = Array.from({ length: rows.m }, () => []);
  for (let i = 0; i < n; i++)
    for (let c = rows.start[i]; c < rows.start[i + 1]; c++) {
      const list = owners[rows.column[c]];
      list.push([i, rows.value[c]]);
      for (const [j, strength] of list) {
        gram[i * n + j] += rows.value[c] * strength;
        if (i !== j) gram[j * n + i] += rows.value[c] * strength;
      }
    }
  return gram;
}
function nearestOf(gram, n) {
  const near = new Float64Array(n * n), row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const length = gram[i * n + i] * gram[j * n + j];
      row[j] = j === i ? -Infinity : rounded(gram[i * n + j] / Math.sqrt(length > 0 ? length : 1));
    }
    const [cut, part] = cutOf(row, K);
    for (let j = 0; j < n; j++) near[i * n + j] = row[j] > cut ? 1 : row[j] === cut ? part : 0;
  }
  return near;
}
function overlapAt10(fit, rows) {
  const { n } = fit;
  const gram = gramOf(rows, n);
  const half = new Float64Array(n * n);
  eachPrediction(fit, rows, (i, predicted2) => {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let c = rows.start[j]; c < rows.start[j + 1]; c++) sum += predicted2[rows.column[c]] * rows.value[c];
      half[i * n + j] = sum;
    }
  });
  const predicted = new Float64Array(n * n);
  productInto(predicted, half, wholeWeights(fit), n, n);
  const [near, gold] = [nearestOf(predicted, n), nearestOf(gram, n)];
  const scores = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = i * n; j < (i + 1) * n; j++) scores[i] += near[j] * gold[j] / K;
  return scores;
}
function areaUnderCurve(fit, values, has) {
  const { n, folds } = fit;
  const predicted = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let [sum, total] = [0, 0];
    for (let k = 0; k < n; k++) {
      if (folds[k] === folds[i]) continue;
      sum += fit.weights[i * n + k] * values[k];
      total += values[k];
    }
    predicted[i] = sum + total / fit.training[i];
  }
  let wins = 0, pairs = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; has[i] && j < n; j++) {
      if (has[j] || folds[j] !== folds[i]) continue;
      pairs++;
      wins += predicted[j] < predicted[i] ? 1 : predicted[j] === predicted[i] ? 0.5 : 0;
    }
  return wins / pairs;
}
function meanOf(scores) {
  let sum = 0, count = 0;
  for (const score of scores) {
    if (Number.isNaN(score)) continue;
    sum += score;
    count++;
  }
  return sum / count;
}
function permutationP(observed, drawn) {
  const slack = 1e-12 * Math.max(1, Math.abs(observed));
  return (1 + drawn.filter((score) => score >= observed - slack).length) / (1 + drawn.length);
}

// explaint_lib/widgets/js/nulls_bench.js
var Bench = class {
  /** @type {Fit | null} */
  made = null;
  /** @type {number | null} */
  median = null;
  /** @param {World} world */
  constructor(world) {
    this.world = world;
  }
  get fit() {
    this.made ??= fitOf(this.world);
    return this.made;
  }
  /**
   * @param {string} score
   * @param {Rows} rows
   * @param {Fit} fit
   */
  scored(score, rows, fit = this.fit) {
    if (score === "f1") return meanOf(f1At10(fit, rows));
    if (score === "overlap") return meanOf(overlapAt10(fit, rows));
    return meanOf(twoAlternatives(fit, rows, this.world.kinds));
  }
  /** @param {string} score */
  observed(score) {
    return this.scored(score, this.world.norms);
  }
  /** @param {string} score */
  constant(score) {
    return this.scored(score, this.world.norms, meanOnly(this.fit));
  }
  /**
   * @param {string} score
   * @param {string} control
   * @param {number} seed
   * @param {number} draw
   */
  drawn(score, control, seed, draw) {
    return this.scored(score, DRAWS[control](this.world, randomOf(seed, draw)));
  }
  /** @param {boolean[]} has */
  feature(has) {
    return areaUnderCurve(this.fit, has.map(Number), has);
  }
  /**
   * @param {boolean[]} has
   * @param {number} seed
   * @param {number} draw
   */
  shuffledFeature(has, seed, draw) {
    return this.feature(shuffle([...has], randomOf(seed, draw)));
  }
  /** The median score of the norms' own features, of those that enough words have. */
  get usual() {
    if (this.median !== null) return this.median;
    const { norms, n } = this.world;
    const columns = /* @__PURE__ */ new Map();
    for (let i = 0; i < n; i++)
      for (let c = norms.start[i]; c < norms.start[i + 1]; c++) {
        const values = columns.get(norms.column[c]) ?? new Float64Array(n);
        values[i] = norms.value[c];
        columns.set(norms.column[c], values);
      }
    const scores = [...columns.values()].map((values) => ({ values, has: Array.from(values, Boolean) })).filter(({ has }) => has.filter(Boolean).length >= LEAST).map(({ values, has }) => areaUnderCurve(this.fit, values, has)).sort((a, b) => a - b);
    this.median = scores.length ? scores[Math.floor(scores.length / 2)] : NaN;
    return this.median;
  }
};

// explaint_lib/widgets/js/nulls_texts.js
var SCORES = {
  f1: { name: "F1@10", low: 0, what: "are the ten features predicted most strongly the word's own?" },
  overlap: {
    name: "overlap@10",
    low: 0,
    what: "are a word's ten neighbours by prediction its ten neighbours by norms?"
  },
  two: {
    name: "two alternatives in the category",
    low: 0.2,
    what: "is a prediction nearer to its own word's norms than to another word's of the same category and fold? Chance is 0.5."
  },
  auc: {
    name: "AUC",
    low: 0.2,
    what: "of two held-out words, is the one with the feature predicted above the one without it? Chance is 0.5."
  }
};
var CONTROLS = {
  shuffled: {
    name: "columns shuffled",
    how: "Each feature goes to as many words as before, but they are drawn for this feature alone.",
    keeps: "what a map learns from shuffled columns"
  },
  permuted_pairing: {
    name: "rows permuted",
    how: "Each word gets the whole list of features of another word.",
    keeps: "what a map learns from the norms of other words"
  },
  permuted_within: {
    name: "rows permuted within the category",
    how: "Each word gets the whole list of features of a word of its own category.",
    keeps: "what a map learns from the norms of other words of the same category"
  },
  rewired: {
    name: "rewired norms",
    how: "Words exchange features until none of the old pairs counts. Each feature keeps its number of words, and each word its number of features.",
    keeps: "what a map learns from rewired norms"
  },
  random: {
    name: "random cells",
    how: "As many cells as before are filled, anywhere in the table.",
    keeps: "what a map learns from random cells"
  },
  constant: {
    name: "the constant",
    how: "The norms stay as they are, but every word gets one prediction: the mean of the training words.",
    keeps: "how common each feature is"
  }
};
var two = (value) => value.toFixed(2);
var mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
function missed(guess, found) {
  const off = Number(two(found)) - Number(two(guess));
  if (Math.abs(off) < 5e-3) return "just where you said";
  return `${two(Math.abs(off))} ${off > 0 ? "higher" : "lower"} than you said`;
}
var FEW = 19;
function said(outcome, reach) {
  const n = outcome.drawn.length, p = permutationP(outcome.observed, outcome.drawn), least = 1 / (1 + n), above = Math.round(p * (1 + n)) - 1;
  const some = above === 0 ? "None" : `${above}`;
  const end = above === 0 ? `the smallest p that ${n} ${n === 1 ? "draw" : "draws"} can give` : `the smallest possible is ${number(least)}`;
  return `${some} of ${n} ${n === 1 ? "draw reaches" : "draws reach"} ${reach}: p = (1 + ${above}) / (1 + ${n}) = ${number(p)}, ${end}.`;
}
var number = (p) => String(Number(p.toPrecision(2)));
function controlTexts(score, control, outcome) {
  const { name, keeps } = CONTROLS[control];
  const { guess, observed, drawn } = outcome;
  if (control === "constant") {
    const share2 = SCORES[score].low === 0 ? `${Math.round(100 * drawn[0] / observed)}% of this score needs` : "such a score needs";
    return [
      `You said ${two(guess)}; ${name} scores ${two(drawn[0])}, ${missed(guess, drawn[0])}.`,
      `The map scores ${two(observed)}. So ${share2} no vector at all.`
    ];
  }
  const landed = mean(drawn);
  const texts = [
    `You said ${two(guess)}; with ${name} the score lands at ${two(landed)}${drawn.length > 1 ? " on average" : ""}, ${missed(guess, landed)}.`,
    said(outcome, `the ${two(observed)} of the norms as they are`)
  ];
  if (drawn.length < FEW)
    return [...texts, `Draw at least ${FEW} times before you read p: with fewer draws it cannot be 0.05.`];
  const more = permutationP(observed, drawn) <= 0.05;
  const share = SCORES[score].low === 0 ? `${Math.round(100 * landed / observed)}% of the score` : "";
  const rest = ["shuffled", "permuted_pairing", "rewired"].includes(control) ? "the constant may reach more" : "";
  const aside = [share, rest].filter(Boolean).join("; ");
  return [
    ...texts,
    `So this score ${more ? "needs more than" : "shows no more than"} ${keeps}${aside && ` (${aside})`}.`
  ];
}
function ownTexts(feature, outcome, usual) {
  const { guess, observed, drawn } = outcome;
  const texts = [
    `You said ${two(guess)}; ${feature} scores ${two(observed)}, ${missed(guess, observed)}. Half of the norms' own features score ${two(usual)} or more.`
  ];
  if (!drawn.length)
    return [...texts, "Shuffle the feature over the words: how often does a score so high come from nothing?"];
  texts.push(said(outcome, "this score when the feature is shuffled over the words"));
  if (drawn.length < FEW)
    return [...texts, `Draw at least ${FEW} times before you read p: with fewer draws it cannot be 0.05.`];
  const there = permutationP(observed, drawn) <= 0.05;
  return [
    ...texts,
    there ? "So these vectors contain this feature, whether it means anything or not." : "So these vectors do not show that they contain this feature."
  ];
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
  const said2 = html("span", { class: "muted", role: "status" });
  let written = "";
  const fill = () => {
    const figure = (
      /** @type {Figure | null} */
      rootOf(view.box).host.closest("[data-explaint]")
    );
    const here = { at: 0, views: [view.snapshot()] };
    line.value = onPage ? `${location.href.split("#")[0]}#${writeState(figure ? pageState(figure) : here)}` : writeState(here);
    written = line.value;
    said2.textContent = "";
  };
  const copy = button("Copy", async () => {
    fill();
    line.select();
    try {
      await navigator.clipboard.writeText(line.value);
      said2.textContent = "Copied.";
    } catch {
      said2.textContent = "Press Ctrl+C (⌘C) to copy the selected text.";
    }
  });
  const show = button("Go there", () => {
    const state = readState(line.value);
    const kind = view.snapshot().kind;
    const wanted = state && [state.views[state.at], ...state.views].find((v) => v?.kind === kind);
    if (wanted) view.restore(wanted);
    said2.textContent = wanted ? "The view is shown." : "This text is not a view of a figure of this kind.";
  });
  const box = html(
    "details",
    { class: "share veil" },
    html("summary", {}, onPage ? "Link to this view" : "Keep this view"),
    html("div", { class: "bar" }, line, copy, show, said2),
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

// explaint_lib/widgets/js/nulls_controls.js
function selectOf(choices, choose) {
  const select = html("select", {}, ...choices.map(([value, text]) => html("option", { value }, text)));
  select.addEventListener("change", () => choose(select.value));
  return select;
}
var NullControls = class {
  /** @param {NullView} view */
  constructor(view) {
    const { meta } = view;
    this.score = selectOf(
      meta.scores.map((name) => [name, SCORES[name].name]),
      (score) => view.choose({ score })
    );
    this.control = selectOf(
      meta.controls.map((name) => [name, CONTROLS[name].name]),
      (control) => view.choose({ control })
    );
    this.rule = selectOf(RULES, (rule) => view.choose({ rule }));
    this.typed = html("input", {
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": "What the rule looks for",
      maxlength: 400
    });
    this.typed.addEventListener("input", () => view.choose({ typed: this.typed.value }));
    this.how = html("p", { class: "muted how" });
    this.matches = html("p", { class: "muted how", role: "status" });
    this.guess = html("input", { type: "range", "aria-labelledby": "question" });
    this.number = html("output", {});
    this.guess.addEventListener("input", () => view.weigh());
    this.commit = button("Commit", () => view.commit(), { class: "button strong" });
    this.question = html("p", { id: "question" });
    this.legend = html("legend", {});
    this.box = html(
      "fieldset",
      { class: "commit" },
      this.legend,
      this.question,
      html("div", { class: "bar" }, this.guess, this.number, this.commit)
    );
    this.plot = html("div", { class: "plot" });
    this.again = button("Shuffle again", () => view.draw(1));
    this.many = button("", () => view.draw(view.left()));
    this.stop = button("Stop", () => view.halt());
    this.seed = html("input", { type: "number", min: 0, max: 999999, step: 1 });
    this.seed.addEventListener("change", () => view.choose({ seed: this.seed.valueAsNumber }));
    this.runs = html(
      "div",
      { class: "bar runs" },
      this.again,
      this.many,
      this.stop,
      html("label", {}, "Seed", this.seed)
    );
    this.result = html("div", { class: "result", role: "status", "aria-live": "polite" });
    this.error = html("p", { class: "error", role: "alert" });
    this.history = html("tbody");
    this.record = html(
      "details",
      {},
      html("summary", {}, "Your predictions so far"),
      html(
        "div",
        { class: "scroll", tabindex: 0, role: "group", "aria-label": "Your predictions so far" },
        html(
          "table",
          {},
          html(
            "thead",
            {},
            html(
              "tr",
              {},
              ...["", "you said", "found", "off by"].map(
                (name, i) => html(i ? "th" : "td", i ? { scope: "col", class: "num" } : {}, name)
              )
            )
          ),
          this.history
        )
      )
    );
    const ask = meta.own ? [html("label", {}, "The words that", this.rule), this.typed] : [
      ...meta.scores.length > 1 ? [html("label", {}, "Score", this.score)] : [],
      ...meta.controls.length > 1 ? [html("label", {}, "Control", this.control)] : []
    ];
    view.box.append(
      html("p", { class: "muted" }, meta.about),
      html("div", { class: "bar ask" }, ...ask),
      ...meta.own ? [this.matches] : [],
      this.how,
      this.box,
      this.plot,
      this.runs,
      this.error,
      this.result,
      this.record,
      shareBox(view, view.model.onPage === true)
    );
  }
};

// explaint_lib/widgets/js/nulls_picture.js
var HEIGHT = 176;
var FLOOR = 150;
var TOP = 62;
var EDGE = 10;
var FEWEST = 8;
function marks(low, high) {
  const step = high - low > 0.55 ? 0.2 : 0.1;
  const out = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at < high + 1e-9; at += step) out.push(at);
  return out;
}
function pictureOf(shown, width) {
  const { low, high, guess, observed, drawn } = shown;
  const place = (value) => EDGE + (Math.max(low, Math.min(high, value)) - low) / (high - low) * (width - 2 * EDGE);
  const parts = marks(low, high).flatMap((at) => [
    svg("line", { class: "tick", x1: place(at), x2: place(at), y1: FLOOR, y2: FLOOR + 5 }),
    svg("text", { class: "mark", x: place(at), y: FLOOR + 19, "text-anchor": "middle" }, at.toFixed(1))
  ]);
  parts.push(svg("line", { class: "axis", x1: EDGE, x2: width - EDGE, y1: FLOOR, y2: FLOOR }));
  const bins = Math.round((high - low) * 100);
  const counts = new Array(bins).fill(0);
  for (const score of shown.single ? [] : drawn)
    counts[Math.max(0, Math.min(bins - 1, Math.floor((score - low) / (high - low) * bins)))]++;
  const tallest = Math.max(FEWEST, ...counts), wide = (width - 2 * EDGE) / bins;
  counts.forEach((count, i) => {
    const height = (FLOOR - TOP) * count / tallest;
    if (count)
      parts.push(
        svg("rect", {
          class: "bin",
          x: EDGE + i * wide + 0.5,
          width: Math.max(1, wide - 1),
          y: FLOOR - height,
          height
        })
      );
  });
  const texts = [];
  const label = (kind, value, name, y) => {
    const x = place(value), text = `${name} ${two(value)}`, room = widthOf(text) * 1.2 + 6, fits = x + room < width ? x + 6 : x - room > 0 ? x - 6 : Math.max(0, width - room);
    parts.push(svg("line", { class: kind, x1: x, x2: x, y1: y - 10, y2: FLOOR }));
    texts.push(
      svg("text", { class: kind, x: fits, y, "text-anchor": fits < x && x - room > 0 ? "end" : "start" }, text)
    );
  };
  if (drawn.length) label("null", mean(drawn), shown.drawnName, 54);
  if (guess !== null) label("guess", guess, shown.guessName, 34);
  if (observed !== null) label("observed", observed, shown.observedName, 14);
  const spoken = [
    observed === null ? "" : `${shown.observedName} ${two(observed)}`,
    guess === null ? "" : `${shown.guessName} ${two(guess)}`,
    drawn.length ? `${drawn.length} drawn from ${two(Math.min(...drawn))} to ${two(Math.max(...drawn))}, mean ${two(mean(drawn))}` : "nothing drawn yet"
  ];
  return svg(
    "svg",
    {
      width,
      height: HEIGHT,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      role: "img",
      "aria-label": `${spoken.filter(Boolean).join("; ")}.`
    },
    ...parts,
    ...texts
  );
}

// explaint_lib/widgets/js/nulls_style.js
var CSS = `
.ask { margin-top: .7rem; } .ex .how { margin-top: .45rem; } .num { white-space: nowrap; } .commit { border: 2px solid var(--focus); border-radius: 8px; padding: .6rem .8rem; margin: .7rem 0 0; min-width: 0; } .commit.done { border: 1px solid var(--line); }
.commit legend { font-weight: 650; padding: 0 .3rem; } .commit .bar { margin-top: .3rem; flex-wrap: nowrap; } input[type=range] { flex: 1 1 8rem; min-width: 0; min-height: 1.9rem; margin: 0; accent-color: var(--mark); } output { font-variant-numeric: tabular-nums; font-weight: 650; white-space: nowrap; } .commit .button { white-space: nowrap; flex: none; }
.ex input[type=number] { font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--edge); border-radius: 6px; padding: .2rem .5rem; min-height: 2rem; width: 5.5rem; } .ex .button:disabled { opacity: .55; cursor: not-allowed; }
.plot { margin-top: .6rem; } .plot svg { display: block; } .plot text { font: 13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; fill: var(--fg); paint-order: stroke; stroke: var(--bg); stroke-width: 4px; stroke-linejoin: round; } .plot text.mark { fill: var(--muted); font-size: 12px; stroke: none; }
.axis, .tick { stroke: var(--edge); } .bin { fill: var(--control); opacity: .75; } line.observed { stroke: var(--real); stroke-width: 2.5; } line.guess { stroke: var(--mark); stroke-width: 2; stroke-dasharray: 2 3; } line.null { stroke: var(--control); stroke-width: 2; stroke-dasharray: 6 3; }
.plot text.observed { fill: var(--real); font-weight: 650; } .plot text.guess { fill: var(--mark); } .plot text.null { fill: var(--control); }
.result { margin-top: .6rem; padding: .5rem .8rem; background: var(--soft); border-radius: 6px; min-height: 3.2em; overflow-wrap: anywhere; } .result p + p { margin-top: .25rem; } .result p:last-child:not(:first-child) { font-weight: 650; } .runs { margin-top: .6rem; }
.ex summary { padding: .15rem 0; } .scroll table { margin-top: .3rem; }`;

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

// explaint_lib/widgets/js/nulls.js
var MANY = 199;
var SLICE = 24;
var MOST_SEED = 999999;
var NullView = class {
  /** @type {Map<string, Run>} */
  runs = /* @__PURE__ */ new Map();
  /** @type {Map<string, number>} what the slider showed before it was committed */
  weighed = /* @__PURE__ */ new Map();
  turn = 0;
  // of the drawing that goes on; another one ends it
  busy = false;
  width = 0;
  quit = new AbortController();
  /**
   * @param {Model} model
   * @param {Element} el
   * @param {World} world
   */
  constructor(model, el, world) {
    this.model = model;
    this.bench = new Bench(world);
    this.meta = /** @type {Meta} */
    model.get("meta");
    this.choice = { score: this.meta.scores[0], control: this.meta.controls[0], rule: "begins", typed: "b", seed: 1 };
    this.box = mount(el, CSS, model.get("label"));
    this.controls = new NullControls(this);
    followTheme(this.box, () => {
    }, this.quit.signal);
    this.redraw = once(() => this.refresh());
    this.sight = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);
      if (width === this.width) return;
      this.width = width;
      this.redraw();
    });
    this.sight.observe(this.controls.plot);
    this.refresh();
  }
  close() {
    this.halt();
    this.quit.abort();
    this.sight.disconnect();
  }
  // -- what is asked --
  get score() {
    return this.meta.own ? "auc" : this.choice.score;
  }
  get key() {
    const { score, control, rule, typed, seed } = this.choice;
    return JSON.stringify(this.meta.own ? [rule, rule === "coin" ? seed : typed.trim()] : [score, control]);
  }
  get name() {
    const { score, control, rule, typed } = this.choice;
    if (this.meta.own) return ruleName(rule, visible(typed));
    return this.meta.scores.length > 1 ? `${CONTROLS[control].name}, ${SCORES[score].name}` : CONTROLS[control].name;
  }
  /** The ends of the axis. @returns {[number, number]} */
  get ends() {
    const low = SCORES[this.score].low ?? 0;
    if (low > 0) return [low, 1];
    return [0, Math.min(1, Math.ceil(16 * this.meta.observed[this.score]) / 10)];
  }
  get run() {
    return this.runs.get(this.key);
  }
  get has() {
    const { rule, typed, seed } = this.choice;
    return wordsWith(rule, typed, this.meta.words, seed);
  }
  /** Why the reader's own feature cannot be asked about; empty where it can. */
  get lacks() {
    if (!this.meta.own) return "";
    const has = this.has;
    if (!has)
      return this.choice.rule === "longer" ? "Type a number." : "Type letters, or words with commas between them.";
    const count = has.filter(Boolean).length;
    if (count < LEAST || has.length - count < LEAST)
      return `${count} of ${has.length} words have this feature; at least ${LEAST} must have it, and ${LEAST} must not.`;
    return "";
  }
  left() {
    const count = this.run?.drawn.length ?? 0;
    return count < MANY ? MANY - count : MANY;
  }
  /** @param {Partial<Choice>} change */
  choose(change) {
    this.halt();
    const seed = change.seed ?? this.choice.seed;
    const fits = Number.isInteger(seed) && seed >= 0 && seed <= MOST_SEED;
    Object.assign(this.choice, change, { seed: fits ? seed : this.choice.seed });
    const run = this.run;
    if (run && run.seed !== this.choice.seed) Object.assign(run, { drawn: [], seed: this.choice.seed });
    this.refresh();
  }
  weigh() {
    this.weighed.set(this.key, this.controls.guess.valueAsNumber);
    this.controls.number.value = two(this.controls.guess.valueAsNumber);
    this.drawPicture();
  }
  // -- what is computed --
  commit() {
    if (this.lacks || this.run) return;
    const { bench, score } = this;
    const guess = this.controls.guess.valueAsNumber;
    const observed = this.meta.own ? bench.feature(this.has ?? []) : bench.observed(score);
    const drawn = this.constant ? [bench.constant(score)] : [];
    this.runs.set(this.key, { name: this.name, guess, observed, drawn, seed: this.choice.seed });
    this.refresh();
    this.announce();
    if (this.drawable) this.controls.again.focus();
  }
  /** @param {Run} run */
  drawn({ seed, drawn }) {
    if (this.meta.own) return this.bench.shuffledFeature(this.has ?? [], seed, drawn.length);
    return this.bench.drawn(this.score, this.choice.control, seed, drawn.length);
  }
  get constant() {
    return !this.meta.own && this.choice.control === "constant";
  }
  get drawable() {
    return this.run !== void 0 && !this.constant;
  }
  /** @param {number} count */
  async draw(count) {
    const run = this.run;
    if (!run || this.busy) return;
    const turn = ++this.turn;
    this.busy = true;
    this.arrange();
    if (count > 1) tell(this.controls.result, `Drawing ${count} times…`);
    const last = run.drawn.length + count;
    while (run.drawn.length < last) {
      const until = performance.now() + SLICE;
      do
        run.drawn.push(this.drawn(run));
      while (run.drawn.length < last && performance.now() < until);
      this.drawPicture();
      await new Promise((go) => setTimeout(go));
      if (turn !== this.turn) return;
    }
    this.halt();
    this.arrange();
    this.announce();
  }
  /** End the drawing that goes on; what was drawn stays. */
  halt() {
    this.turn++;
    if (!this.busy) return;
    this.busy = false;
    this.arrange();
    this.announce();
  }
  // -- what is shown --
  refresh() {
    const { controls, choice, meta, score } = this;
    const [low, high] = this.ends;
    controls.score.value = choice.score;
    controls.control.value = choice.control;
    controls.rule.value = choice.rule;
    if (controls.typed.value !== choice.typed) controls.typed.value = choice.typed;
    controls.typed.style.display = choice.rule === "coin" ? "none" : "";
    controls.seed.value = String(choice.seed);
    Object.assign(controls.guess, { min: low, max: high, step: 0.01 });
    const guess = this.run?.guess ?? this.weighed.get(this.key) ?? Number(two((low + high) / 2));
    controls.guess.value = String(guess);
    controls.number.value = two(guess);
    tell(controls.legend, this.run ? "What you said" : "First say what you expect");
    const { name, what } = SCORES[score];
    const control = CONTROLS[choice.control].name;
    tell(
      controls.question,
      meta.own ? `Which ${name} will your feature have?` : `Where will ${name} land with ${control}?`
    );
    const how = meta.own ? "" : `${CONTROLS[choice.control].how} `;
    tell(controls.how, `${how}${name[0].toUpperCase()}${name.slice(1)}: ${what}`);
    if (meta.own) {
      const has = this.has ?? [];
      const some = meta.words.filter((_, i) => has[i]);
      const count = `${some.length} of ${meta.n} words: ${some.slice(0, 6).join(", ")}${some.length > 6 ? ", …" : ""}`;
      tell(controls.matches, this.lacks || count);
    }
    this.arrange();
    this.drawPicture();
    this.announce();
    this.list();
  }
  /** What may be pressed now. */
  arrange() {
    const { controls, run, busy } = this;
    const locked = !this.drawable || busy;
    controls.box.classList.toggle("done", run !== void 0);
    controls.guess.disabled = run !== void 0 || this.lacks !== "";
    controls.commit.style.display = run ? "none" : "";
    controls.commit.disabled = this.lacks !== "";
    controls.again.disabled = controls.many.disabled = locked;
    controls.again.textContent = run?.drawn.length ? "Shuffle again" : "Shuffle once";
    controls.many.textContent = `Shuffle ${this.left()} times`;
    controls.stop.style.display = busy ? "" : "none";
    controls.runs.style.display = this.constant ? "none" : "";
  }
  drawPicture() {
    const { run, meta, controls, constant } = this;
    const [low, high] = this.ends;
    const picture = pictureOf(
      {
        low,
        high,
        guess: run?.guess ?? controls.guess.valueAsNumber,
        guessName: run ? "you said" : "your prediction",
        observed: meta.own ? run?.observed ?? null : meta.observed[this.score],
        observedName: meta.own ? "your feature" : this.width < 420 ? "as they are" : "norms as they are",
        drawn: run?.drawn ?? [],
        single: constant,
        drawnName: constant ? "the constant" : "drawn, mean"
      },
      Math.max(240, this.width || 600)
    );
    controls.plot.replaceChildren(picture);
  }
  announce() {
    if (this.busy) return;
    const { run, choice, constant } = this;
    let texts;
    if (!run) texts = ["Nothing is drawn until you have said where it will land."];
    else if (this.meta.own) texts = ownTexts(this.name, run, this.bench.usual);
    else if (!run.drawn.length) texts = [`You said ${two(run.guess)}. Now shuffle.`];
    else texts = controlTexts(choice.score, choice.control, run);
    if (run && !constant && run.drawn.length) texts[0] += ` (Seed ${run.seed}.)`;
    tell(this.controls.result, ...texts.map((text) => html("p", {}, text)));
    this.list();
  }
  /** The reader's predictions, and how far off they were. */
  list() {
    const rows = [...this.runs.values()].map((run) => ({ run, found: this.meta.own ? run.observed : mean(run.drawn) })).filter(({ found }) => Number.isFinite(found));
    this.controls.record.style.display = rows.length ? "" : "none";
    const cells = rows.map(
      ({ run, found }) => html(
        "tr",
        {},
        html("th", { scope: "row" }, run.name),
        ...[two(run.guess), two(found), two(Math.abs(run.guess - found))].map(
          (text) => html("td", { class: "num" }, text)
        )
      )
    );
    this.controls.history.replaceChildren(...cells);
  }
  // -- what a link holds --
  /** @returns {ViewState} */
  snapshot() {
    const { run, choice } = this;
    return { kind: "nulls", ...choice, guess: run?.guess ?? null, draws: run?.drawn.length ?? 0 };
  }
  /** @param {ViewState} state */
  restore(state) {
    const { meta } = this;
    this.halt();
    const one = (value, of, now) => typeof value === "string" && of.includes(value) ? value : now;
    const { choice } = this;
    this.choose({
      score: one(state.score, meta.scores, choice.score),
      control: one(state.control, meta.controls, choice.control),
      rule: one(
        state.rule,
        RULES.map(([name]) => name),
        choice.rule
      ),
      typed: typeof state.typed === "string" ? state.typed.slice(0, 400) : choice.typed,
      seed: isPlace(state.seed, MOST_SEED + 1) ? state.seed : choice.seed
    });
    const [low, high] = this.ends;
    if (!(typeof state.guess === "number" && state.guess >= low && state.guess <= high)) return;
    this.controls.guess.value = String(state.guess);
    this.runs.delete(this.key);
    this.commit();
    if (this.drawable && isPlace(state.draws, 2 * MANY + 1) && state.draws > 0) this.draw(state.draws);
  }
};
var nulls_default = living(async ({ model, el }) => {
  const [vectors, cells] = await Promise.all([inflate(model.get("vectors")), inflate(model.get("cells"))]);
  return new NullView(model, el, worldOf(model.get("meta"), vectors, cells));
});
export {
  NullView,
  nulls_default as default
};
