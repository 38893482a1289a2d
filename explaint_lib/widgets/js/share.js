/** What a reader sees, as a link on a page and as a piece of text in JupyterLab. */

import { button, html } from "./dom.js";
import { rootOf } from "./frame.js";

/**
 * @typedef {import("./types.d.ts").View} View
 * @typedef {import("./types.d.ts").ViewState} ViewState
 * @typedef {import("./types.d.ts").Figure} Figure
 * @typedef {{ at: number, views: (ViewState | null)[] }} PageState the views of all figures, and the one that was copied from
 */

const SHARED = "explaint-"; // then base64url of JSON: a fragment that is also a valid name, so that no theme stumbles over it

/**
 * Return whether a value out of a link is one of the whole numbers from 0 on, fewer than `count`.
 *
 * @param {unknown} value
 * @param {number} count
 */
export const isPlace = (value, count) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < count;

/** @param {PageState} state */
export function writeState(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return SHARED + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Return the state in a link or a piece of text, or null.
 *
 * @param {string} text
 * @returns {PageState | null}
 */
export function readState(text) {
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

const figures = () => /** @type {Figure[]} */ ([...document.querySelectorAll("[data-explaint]")]);

/**
 * Return the state of every figure of the page, and which of them the reader copied it from.
 *
 * @param {Figure} figure
 * @returns {PageState}
 */
const pageState = (figure) => ({
  at: figures().indexOf(figure),
  views: figures().map((f) => f.explaintView?.snapshot() ?? null),
});

/** @param {Figure} figure */
export function followLink(figure) {
  const state = readState(location.hash);
  const i = figures().indexOf(figure);
  const wanted = state?.views[i];
  if (!wanted) return;
  figure.explaintView?.restore(wanted);
  if (state.at === i) requestAnimationFrame(() => figure.scrollIntoView({ block: "start" }));
}

/**
 * Return a line to copy from and to paste into.
 *
 * @param {View} view
 * @param {boolean} onPage
 */
export function shareBox(view, onPage) {
  const line = html("input", {
    type: "text",
    spellcheck: "false",
    autocomplete: "off",
    "aria-label": onPage ? "Link to this view" : "This view as text",
  });
  const said = html("span", { class: "muted", role: "status" });
  let written = "";
  const fill = () => {
    const figure = /** @type {Figure | null} */ (rootOf(view.box).host.closest("[data-explaint]"));
    const here = { at: 0, views: [view.snapshot()] };
    line.value = onPage
      ? `${location.href.split("#")[0]}#${writeState(figure ? pageState(figure) : here)}`
      : writeState(here);
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
      said.textContent = "Press Ctrl+C (⌘C) to copy the selected text."; // no permission, or an older browser
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
      onPage
        ? "The link opens this page with every figure as it stands now. A link pasted here leads to its view."
        : "Copy the text into your notes; pasted here again, or in a colleague's notebook, it brings this view back.",
    ),
  );
  box.addEventListener("toggle", fill);
  line.addEventListener("focus", () => {
    if (line.value === written) fill(); // the view may have changed since
  });
  return box;
}
