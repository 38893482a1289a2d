/**
 * One map as links between two columns of tokens, built once and then only repainted: a rebuild under the mouse would lose
 * keyboard focus, so painting a selection changes attributes and never replaces what can have focus.
 */

import { fit, set, svg, targetOf, widthOf } from "./dom.js";

/**
 * @typedef {import("./types.d.ts").Drawing} Drawing
 * @typedef {import("./types.d.ts").Figured} Figured
 * @typedef {import("./types.d.ts").Spot} Spot
 * @typedef {[query: number, key: number, weight: number]} Link
 * @typedef {{ x1: number, x2: number, y1: (i: number) => number, y2: (i: number) => number }} Ends
 */

const MOST_LINKS = 3000;

/**
 * Draw links. Those of like width and strength share one path element: a map of 256 tokens stays under a hundred elements.
 *
 * @param {Element} group
 * @param {readonly Link[]} links
 * @param {Ends} ends
 * @param {number} scale
 * @param {number[] | null} identity
 */
function linkPaths(group, links, ends, scale, identity) {
  /** @type {Map<number, string>} */
  const paths = new Map();
  const { x1, x2, y1, y2 } = ends;
  const xm = (x1 + x2) / 2;
  const add = (/** @type {number} */ t, /** @type {number} */ fade, /** @type {string} */ d) => {
    const w = Math.min(7, Math.floor(t * 8)),
      o = Math.min(9, Math.floor(t * fade * 10)),
      key = w * 10 + o;
    paths.set(key, (paths.get(key) ?? "") + d);
  };
  for (const [q, k, a] of links) {
    const t = Math.min(1, a / scale),
      ya = y1(q),
      yb = y2(k),
      ym = (ya + yb) / 2,
      xa = (x1 + xm) / 2,
      xb = (x2 + xm) / 2;
    if (!identity) add(t, 1, `M${x1} ${ya}C${xm} ${ya} ${xm} ${yb} ${x2} ${yb}`);
    else {
      // the curve cut at its middle: each half fades with the token at its own end
      add(t, identity[q], `M${x1} ${ya}C${xa} ${ya} ${(xa + xm) / 2} ${(ya + ym) / 2} ${xm} ${ym}`);
      add(t, identity[k], `M${xm} ${ym}C${(xm + xb) / 2} ${(ym + yb) / 2} ${xb} ${yb} ${x2} ${yb}`);
    }
  }
  group.replaceChildren(
    ...[...paths]
      .sort(([a], [b]) => a - b)
      .map(([key, d]) =>
        svg("path", {
          class: "link",
          d,
          "stroke-width": (0.7 + 0.6 * Math.floor(key / 10)).toFixed(2),
          "stroke-opacity": (0.07 + 0.093 * ((key % 10) + 0.5)).toFixed(2),
        }),
      ),
  );
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} height
 * @param {number} value
 */
const gauge = (x, y, height, value) => [
  svg("rect", { class: "gauge", x, y, width: 4, height }),
  svg("rect", { class: "filled", x, y: y + height * (1 - value), width: 4, height: height * value }),
];

/**
 * @param {Drawing} drawing
 * @returns {Figured}
 */
export function linesFigure({ items, matrix, scale, identity, width, colour, name, percent }) {
  const n = items.length,
    row = n > 40 ? 19 : 23,
    top = 26,
    number = 38,
    height = top + n * row + 4;
  const room = Math.max(40, Math.min(Math.max(...items.map((t) => widthOf(t.text))) + 4, width * 0.31));
  const x1 = number + room + 12,
    x2 = width - number - room - 12,
    y = (/** @type {number} */ i) => top + (i + 0.5) * row,
    ends = { x1: x1 + 3, x2: x2 - 3, y1: y, y2: y };
  const base = svg("g", { class: n > 64 ? "" : "ease", "pointer-events": "none" }), // thousands of links would fade slowly
    strong = svg("g", { "pointer-events": "none" });
  const root = svg(
    "svg",
    {
      class: "figure",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "group",
      "aria-label": `${name}: attention as links`,
      style: `--ink: var(${colour})`,
    },
    svg("text", { class: "head", x: x1 - 6, y: 14, "text-anchor": "end" }, "from (query)"),
    svg("text", { class: "head", x: x2 + 6, y: 14 }, "to (key)"),
    base,
    strong,
  );
  /** @type {Link[]} */
  let links = [];
  for (let q = 0; q < n; q++)
    for (let k = 0; k < n; k++)
      if (matrix[q * n + k] >= 0.01 * scale && matrix[q * n + k] >= 0.004) links.push([q, k, matrix[q * n + k]]);
  const dropped = Math.max(0, links.length - MOST_LINKS);
  if (dropped) links = links.sort((a, b) => b[2] - a[2]).slice(0, MOST_LINKS);
  linkPaths(base, links, ends, scale, identity);
  const side = (/** @type {"q" | "k"} */ which) =>
    items.map((item, i) => {
      const left = which === "q",
        x = left ? 1 : x2 + 1,
        w = number + room + 10,
        yy = top + i * row + 1,
        h = row - 2;
      const bar = svg("rect", { class: "weight", x: left ? x1 : x2, y: yy, height: h, width: 0, rx: 3 }),
        value = svg("text", {
          class: "value",
          x: left ? 4 : width - 4,
          y: y(i) + 4.5,
          "text-anchor": left ? "start" : "end",
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
          style: "cursor: pointer",
        },
        svg("rect", { class: "back", x, y: yy, width: w, height: h, rx: 4 }),
        bar,
        svg(
          "text",
          { x: left ? x1 - 8 : x2 + 8, y: y(i) + 4.5, "text-anchor": left ? "end" : "start" },
          fit(item.text, room),
        ),
        value,
        svg("title", {}, item.full),
      );
      const place = `, ${left ? "from" : "to"}, ${i + 1} of ${n}${identity ? `, still its token ${percent(identity[i])}` : ""}`;
      if (identity) token.append(...gauge(left ? x1 - 4 : x2, yy + 2, h - 4, identity[i]));
      root.append(token);
      const spoken = (/** @type {string} */ number) => `${item.text}${number}${place}`;
      return { token, bar, value, spoken, state: "" };
    });
  const from = side("q"),
    to = side("k");
  /** @param {Spot} spot */
  function paint({ q, k }) {
    base.classList.toggle("dim", q !== null || k !== null);
    const chosen =
      q === null && k === null ? [] : links.filter(([a, b]) => (q === null || a === q) && (k === null || b === k));
    linkPaths(strong, chosen, ends, scale, identity);
    paintSide(from, q, k, (i) => i * n + Number(k));
    paintSide(to, k, q, (i) => Number(q) * n + i);
  }
  /**
   * @param {typeof from} rows
   * @param {number | null} own the token chosen on this side
   * @param {number | null} other the token chosen on the other side
   * @param {(i: number) => number} at where the weight between it and token i stands
   */
  function paintSide(rows, own, other, at) {
    rows.forEach((entry, i) => {
      const weight = other === null ? 0 : matrix[at(i)],
        on = own === i,
        number = other !== null && (weight >= 0.01 || on) ? ` ${percent(weight)}` : "",
        state = `${on} ${weight}${number}`;
      if (entry.state === state) return; // most of 256 tokens, on most moves of the pointer
      entry.state = state;
      const { token, bar, value, spoken } = entry,
        w = Math.min(1, weight / scale) * (room + 8);
      token.classList.toggle("on", on);
      set(token, { "aria-pressed": on, "aria-label": spoken(number) });
      set(bar, { width: w.toFixed(1), x: rows === from ? (x1 - w).toFixed(1) : x2 });
      value.textContent = number;
    });
  }
  const focusable = (/** @type {Spot} */ { q, k }) => (k !== null && q === null ? to[k].token : from[q ?? 0].token);
  const tabStop = (/** @type {Spot} */ spot) => {
    for (const { token } of [...from, ...to]) token.setAttribute("tabindex", "-1");
    focusable(spot).setAttribute("tabindex", "0");
  };
  return {
    svg: root,
    paint,
    locate: tokenOf,
    tabStop,
    focus: (spot) => focusable(spot).focus(),
    note: dropped
      ? `The ${MOST_LINKS.toLocaleString("en")} strongest links are drawn; ${dropped.toLocaleString("en")} weaker ones are not.`
      : "",
  };
}

/**
 * Return the token among links that an event is about.
 *
 * @param {Event} event
 * @returns {Spot | null}
 */
export function tokenOf(event) {
  const token = /** @type {SVGElement | null} */ (targetOf(event).closest(".tok"));
  return token && { q: null, k: null, [String(token.dataset.side)]: Number(token.dataset.i) };
}
