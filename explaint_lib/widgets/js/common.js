// ---- common.js: shared by every widget; Python concatenates the files, so there is no bundler and no dependency ----
const CSS_BASE = `
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
.ex .guess { margin-top: .7rem; display: grid; grid-template-columns: minmax(0, 1fr); gap: .45rem; } .ex .playing { border: 2px solid var(--focus); border-radius: 8px; padding: .6rem .8rem; } .ex.asking .veil { display: none; }
.ex details { margin-top: .5rem; } .ex .share input { flex: 1 1 12rem; min-width: 0; } .ex .share p { margin-top: .3rem; }
.ex .failed { border-left: 4px solid var(--control); padding: .3rem .8rem; }
@media (prefers-reduced-motion: no-preference) { .ex .ease { transition: opacity .15s; } }
@media (forced-colors: active) { .ex .seg label:has(:checked) { outline: 2px solid Highlight; outline-offset: -2px; } }
`;
// Text that others wrote, as it may stand among ours: what would act, hide or turn the line around, as an escape (Python's
// `printable`). Line feeds do nothing in HTML; the two joiners stay after a letter beyond ASCII, where a script needs them.
const plain = (text) =>
  text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, (character, at) => {
    if (/[\u200c\u200d]/.test(character) && text.charCodeAt(at - 1) > 127) return character;
    const code = character.codePointAt(0),
      [mark, digits] = code < 256 ? ["x", 2] : code < 65536 ? ["u", 4] : ["U", 8];
    return `\\${mark}${code.toString(16).padStart(digits, "0")}`;
  });
const plainly = (parts) => parts.map((part) => (typeof part === "string" ? plain(part) : part));
// All text goes into the page through these, as text.
const set = (element, props) => {
  for (const [key, value] of Object.entries(props))
    element.setAttribute(key, key === "aria-label" || key === "title" ? plain(String(value)) : value);
  return element;
};
function put(element, props, children) {
  const given = Object.entries(props).filter(([, value]) => value !== null && value !== undefined && value !== false);
  set(element, Object.fromEntries(given.map(([key, value]) => [key, value === true ? "" : value])));
  element.append(...plainly(children));
  return element;
}
const tell = (element, ...parts) => element.replaceChildren(...plainly(parts));
const html = (tag, props = {}, ...children) => put(document.createElement(tag), props, children);
const svg = (tag, props = {}, ...children) =>
  put(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);

// Shadow DOM: the theme's css cannot leak in, MathJax cannot walk in, ids and radio names cannot clash with a second widget.
function mount(el, css, label) {
  const host = html("div", { "data-lm-suppress-shortcuts": "true" }); // JupyterLab's command mode eats arrow keys otherwise
  el.replaceChildren(host);
  const root = host.attachShadow({ mode: "open" }),
    style = html("style");
  style.textContent = CSS_BASE + css;
  const box = html("div", { class: "ex" }, html("p", { class: "title" }, label));
  root.append(style, box);
  return box;
}
function complain(el, error) {
  const box = mount(el, "", "This interactive figure could not be drawn");
  box.append(
    html(
      "p",
      { class: "failed", role: "alert" },
      `Its data could not be read (${error?.message ?? error}). The rest of the page is not affected; ` +
        "run the chapter's notebook, or build the book again, to get a whole copy.",
    ),
  );
  console.warn("[explaint]", error);
}
// Light or dark is read off the page's own background, so any theme works; a switch of theme repaints.
function followTheme(box, repaint, signal) {
  const look = () => {
    const parts = getComputedStyle(box)
      .backgroundColor.match(/[\d.]+/g)
      ?.map(Number) ?? [255, 255, 255];
    const top = getComputedStyle(box).backgroundColor.startsWith("rgb") ? 255 : 1;
    const theme = (0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]) / top < 0.45 ? "dark" : "light";
    if (box.dataset.theme === theme) return;
    const first = box.dataset.theme === undefined;
    box.dataset.theme = theme;
    if (!first) repaint();
  };
  const later = () => requestAnimationFrame(look);
  const watch = new MutationObserver(later);
  for (const node of [document.documentElement, document.body])
    watch.observe(node, {
      attributes: true,
      attributeFilter: ["data-theme", "data-mode", "data-jp-theme-light", "data-jp-theme-name", "class", "style"],
    });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later, { signal });
  signal.addEventListener("abort", () => watch.disconnect());
  look();
  return look;
}
const cssColour = (box, name) => getComputedStyle(box).getPropertyValue(name).trim();
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

const asBytes = (v) =>
  v instanceof Uint8Array
    ? v
    : v instanceof ArrayBuffer
      ? new Uint8Array(v)
      : new Uint8Array(v.buffer, v.byteOffset, v.byteLength);
async function inflate(value) {
  if (typeof DecompressionStream === "undefined")
    throw new Error("this browser is too old: it has no DecompressionStream");
  const stream = new Blob([asBytes(value)]).stream().pipeThrough(new DecompressionStream("deflate"));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Error("the compressed data is damaged"); // the browser's own words would be "failed to fetch"
  }
}
// Inverse of _base.pack_small: 2 bits a cell, 3 = one byte more in the overflow.
async function unpackSmall(value, count) {
  const raw = await inflate(value),
    out = new Uint8Array(count);
  const bytes = Math.ceil(count / 4);
  let over = bytes;
  for (let i = 0; i < bytes; i++) {
    if (raw[i] === 0) continue; // most bytes of a long text
    for (let j = 0; j < 4; j++) {
      const low = (raw[i] >> (2 * j)) & 3;
      if (low) out[4 * i + j] = low < 3 ? low : 3 + raw[over++];
    }
  }
  if (over !== raw.length) throw new Error(`expected ${over} bytes of payload, found ${raw.length}`);
  return out;
}
// A set of radio buttons that looks like one control; returns [element, show(value)].
function segmented(legend, choices, choose) {
  const inputs = new Map(),
    box = html("fieldset", { class: "seg" }, html("legend", { class: "hidden" }, legend));
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
    },
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
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
// A spreadsheet would compute a text that begins like a formula: it gets an apostrophe in front, and so does one that
// begins with an apostrophe, so that taking one away gives the text back.
const csvRow = (cells) =>
  cells
    .map((c) => (typeof c === "string" ? c.replace(/^[=+\-@\t\r\n＝＋－＠']/, "'$&") : String(c)))
    .map((c) => (/[",\r\n\u2028\u2029]/.test(c) ? `"${c.replaceAll('"', '""')}"` : c))
    .join(",") + "\r\n";
const fileSafe = (text) => text.replace(/[^\p{L}\p{N}]+/gu, "_").slice(0, 60); // a name may hold anything
const short = (text) => (text.length > 200 ? `${Array.from(text.slice(0, 200)).slice(0, -1).join("")}…` : text);
const visible = (text) =>
  plain(
    short(text)
      .replace(/[\r\n\u2028\u2029]/g, "↵")
      .replace(/\t/g, "⇥")
      .replace(/^ +$/, "␣"),
  ) || "∅";
const pen = document.createElement("canvas").getContext("2d");
const FONT = '13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif';
const widthOf = (text) => {
  pen.font = FONT;
  return pen.measureText(text).width;
};
function fit(text, room) {
  // by code point, so that an emoji is never cut in half
  if (widthOf(text.slice(0, 400)) <= room && text.length <= 400) return text;
  const points = Array.from(text.slice(0, 400));
  while (points.length > 1 && widthOf(points.join("") + "…") > room) points.pop();
  return points.join("") + "…";
}
// Several changes of state in one go are one redraw.
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
async function render(context) {
  try {
    const view = await open(context);
    return () => view.close();
  } catch (error) {
    complain(context.el, error);
  }
}
