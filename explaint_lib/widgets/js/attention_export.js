/** The picture as a file that a reader takes along. */

import { FIGURE_CSS } from "./attention_style.js";
import { set, svg } from "./dom.js";
import { cssColour } from "./frame.js";

/** @typedef {import("./types.d.ts").Panel} Panel */

/**
 * Return the picture as a file: every panel side by side, colours resolved, nothing that needs this page.
 *
 * @param {Element} box
 * @param {readonly Panel[]} panels
 * @param {string} title
 */
export function exportSvg(box, panels, title) {
  const gap = 24,
    width = panels.reduce((w, p) => w + p.svg.viewBox.baseVal.width + gap, gap),
    height = Math.max(...panels.map((p) => p.svg.viewBox.baseVal.height)) + 64;
  const css = FIGURE_CSS.replaceAll("var(--ink)", "currentColor").replace(/var\((--\w+)\)/g, (_, name) =>
    name === "--bg" ? getComputedStyle(box).backgroundColor : cssColour(box, name),
  );
  const file = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height },
    svg("style", {}, css),
    svg("rect", { width, height, fill: getComputedStyle(box).backgroundColor }),
    svg("text", { x: gap, y: 22, "font-weight": 700 }, title),
  );
  let x = gap;
  for (const p of panels) {
    const copy = /** @type {SVGSVGElement} */ (p.svg.cloneNode(true));
    for (const node of copy.querySelectorAll("[tabindex]")) node.removeAttribute("tabindex");
    set(copy, { x, y: 56, style: `color: ${cssColour(box, p.colour)}` });
    file.append(svg("text", { x, y: 46 }, p.name), copy);
    x += p.svg.viewBox.baseVal.width + gap;
  }
  return new XMLSerializer().serializeToString(file);
}
