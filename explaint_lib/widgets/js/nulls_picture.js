/** A null as a histogram under the observed score, with what the reader said. */

import { svg, widthOf } from "./dom.js";
import { mean, two } from "./nulls_texts.js";

const HEIGHT = 176,
  FLOOR = 150, // y of the axis
  TOP = 62, // below the labels
  EDGE = 10,
  FEWEST = 8; // draws that fill a bin to the top

/**
 * @typedef {object} Shown
 * @property {number} low of the axis
 * @property {number} high
 * @property {number | null} guess
 * @property {string} guessName
 * @property {number | null} observed
 * @property {string} observedName
 * @property {readonly number[]} drawn
 * @property {string} drawnName
 * @property {boolean} single a score that is not drawn: a line alone
 */

/**
 * Return the numbers at which an axis has marks.
 *
 * @param {number} low
 * @param {number} high
 */
export function marks(low, high) {
  const step = high - low > 0.55 ? 0.2 : 0.1;
  const out = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at < high + 1e-9; at += step) out.push(at);
  return out;
}

/**
 * @param {Shown} shown
 * @param {number} width
 */
export function pictureOf(shown, width) {
  const { low, high, guess, observed, drawn } = shown;
  const place = (/** @type {number} */ value) =>
    EDGE + ((Math.max(low, Math.min(high, value)) - low) / (high - low)) * (width - 2 * EDGE);
  /** @type {SVGElement[]} */
  const parts = marks(low, high).flatMap((at) => [
    svg("line", { class: "tick", x1: place(at), x2: place(at), y1: FLOOR, y2: FLOOR + 5 }),
    svg("text", { class: "mark", x: place(at), y: FLOOR + 19, "text-anchor": "middle" }, at.toFixed(1)),
  ]);
  parts.push(svg("line", { class: "axis", x1: EDGE, x2: width - EDGE, y1: FLOOR, y2: FLOOR }));
  const bins = Math.round((high - low) * 100);
  const counts = new Array(bins).fill(0);
  for (const score of shown.single ? [] : drawn)
    counts[Math.max(0, Math.min(bins - 1, Math.floor(((score - low) / (high - low)) * bins)))]++;
  const tallest = Math.max(FEWEST, ...counts),
    wide = (width - 2 * EDGE) / bins;
  counts.forEach((count, i) => {
    const height = ((FLOOR - TOP) * count) / tallest;
    if (count)
      parts.push(
        svg("rect", {
          class: "bin",
          x: EDGE + i * wide + 0.5,
          width: Math.max(1, wide - 1),
          y: FLOOR - height,
          height,
        }),
      );
  });
  /** @type {SVGElement[]} */
  const texts = []; // above all lines
  const label = (
    /** @type {string} */ kind,
    /** @type {number} */ value,
    /** @type {string} */ name,
    /** @type {number} */ y,
  ) => {
    const x = place(value),
      text = `${name} ${two(value)}`,
      room = widthOf(text) * 1.2 + 6, // some are bold
      fits = x + room < width ? x + 6 : x - room > 0 ? x - 6 : Math.max(0, width - room);
    parts.push(svg("line", { class: kind, x1: x, x2: x, y1: y - 10, y2: FLOOR }));
    texts.push(
      svg("text", { class: kind, x: fits, y, "text-anchor": fits < x && x - room > 0 ? "end" : "start" }, text),
    );
  };
  if (drawn.length) label("null", mean(drawn), shown.drawnName, 54);
  if (guess !== null) label("guess", guess, shown.guessName, 34);
  if (observed !== null) label("observed", observed, shown.observedName, 14);
  const spoken = [
    observed === null ? "" : `${shown.observedName} ${two(observed)}`,
    guess === null ? "" : `${shown.guessName} ${two(guess)}`,
    drawn.length
      ? `${drawn.length} drawn from ${two(Math.min(...drawn))} to ${two(Math.max(...drawn))}, mean ${two(mean(drawn))}`
      : "nothing drawn yet",
  ];
  return svg(
    "svg",
    {
      width,
      height: HEIGHT,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      role: "img",
      "aria-label": `${spoken.filter(Boolean).join("; ")}.`,
    },
    ...parts,
    ...texts,
  );
}
