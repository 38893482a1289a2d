/** The box in which a widget draws itself, its theme, and what stands there when it cannot. */

import { html } from "./dom.js";
import { CSS_BASE } from "./style.js";

/**
 * Return the box of a widget.
 *
 * Inside a shadow root the theme's css cannot leak in, MathJax cannot walk in, ids and radio names cannot clash with a
 * second widget.
 *
 * @param {Element} el
 * @param {string} css
 * @param {string} label
 */
export function mount(el, css, label) {
  const host = html("div", { "data-lm-suppress-shortcuts": "true" }); // JupyterLab's command mode eats arrow keys otherwise
  el.replaceChildren(host);
  const style = html("style");
  style.textContent = CSS_BASE + css;
  const box = html("div", { class: "ex" }, html("p", { class: "title" }, label));
  host.attachShadow({ mode: "open" }).append(style, box);
  return box;
}

/**
 * Return the shadow root in which a widget's box stands.
 *
 * @param {Element} box
 */
export const rootOf = (box) => /** @type {ShadowRoot} */ (box.getRootNode());

/**
 * @param {Element} el
 * @param {unknown} error
 */
export function complain(el, error) {
  const box = mount(el, "", "This interactive figure could not be drawn");
  box.append(
    html(
      "p",
      { class: "failed", role: "alert" },
      `Its data could not be read (${error instanceof Error ? error.message : error}). The rest of the page is not affected; ` +
        "run the chapter's notebook, or build the book again, to get a whole copy.",
    ),
  );
  console.warn("[explaint]", error);
}

/**
 * Keep a box in the theme of its page, read off the page's own background, so that any theme works.
 *
 * @param {HTMLElement} box
 * @param {() => void} repaint called when the theme is switched
 * @param {AbortSignal} signal ends it
 * @returns {() => void} looks again
 */
export function followTheme(box, repaint, signal) {
  const look = () => {
    const ground = getComputedStyle(box).backgroundColor;
    const [red, green, blue] = ground.match(/[\d.]+/g)?.map(Number) ?? [255, 255, 255];
    const top = ground.startsWith("rgb") ? 255 : 1;
    const theme = (0.2126 * red + 0.7152 * green + 0.0722 * blue) / top < 0.45 ? "dark" : "light";
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

/**
 * @param {Element} box
 * @param {string} name of a custom property
 */
export const cssColour = (box, name) => getComputedStyle(box).getPropertyValue(name).trim();

/**
 * @param {string} hex
 * @returns {number[]} red, green and blue, each from 0 to 255
 */
export const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
