/** One map as a matrix, rows attend to columns; built once and then only repainted, as the links are. */

import { brushOf, fit, set, svg, widthOf } from "./dom.js";

/**
 * @typedef {import("./types.d.ts").Drawing} Drawing
 * @typedef {import("./types.d.ts").Figured} Figured
 * @typedef {import("./types.d.ts").Spot} Spot
 */

/**
 * @param {Drawing} drawing
 * @returns {Figured}
 */
export function matrixFigure({ items, matrix, scale, identity, width, colour, name, rgb }) {
  const n = items.length,
    room = Math.max(30, Math.min(Math.max(...items.map((t) => widthOf(t.text))) + 4, width * 0.28));
  const pad = identity ? 8 : 0,
    left = room + 8 + pad,
    tall = Math.min(room, 84) * 0.87 + 8 + pad;
  const size = Math.min(width - left - 16, n * 30),
    cell = size / n,
    named = cell >= 9,
    font = `font-size: ${Math.min(13, cell + 1.5).toFixed(1)}px`,
    height = tall + size + 20;
  const pixels = Object.assign(document.createElement("canvas"), { width: n, height: n }),
    brush = brushOf(pixels),
    image = brush.createImageData(n, n);
  for (let q = 0; q < n; q++)
    for (let k = 0; k < n; k++) {
      const fade = identity ? Math.min(identity[q], identity[k]) : 1,
        o = 4 * (q * n + k);
      image.data.set([...rgb, 255 * Math.min(1, matrix[q * n + k] / scale) * fade], o);
    }
  brush.putImageData(image, 0, 0);
  const at = (/** @type {number} */ i) => tall + (i + 0.5) * cell,
    across = (/** @type {number} */ i) => left + (i + 0.5) * cell;
  const root = svg("svg", {
    class: "figure",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "group",
    "aria-label": `${name}: attention as a matrix`,
    style: `--ink: var(${colour})`,
  });
  const rowText = (/** @type {number} */ i) =>
    svg(
      "text",
      { x: left - 6 - pad, y: at(i) + 4.5, "text-anchor": "end", style: named ? font : "" },
      fit(items[i].text, room),
    );
  const columnText = (/** @type {number} */ i) =>
    svg(
      "text",
      { transform: `translate(${across(i) + 3} ${tall - 5 - pad}) rotate(-60)`, style: named ? font : "" },
      fit(items[i].text, Math.min(room, 84)),
    );
  /** @type {SVGGElement[]} */
  const rows = [];
  /** @type {SVGGElement[]} */
  const columns = [];
  if (named)
    items.forEach((item, i) => {
      rows.push(svg("g", { class: item.special ? "special" : "" }, rowText(i), svg("title", {}, item.full)));
      columns.push(svg("g", { class: item.special ? "special" : "" }, columnText(i), svg("title", {}, item.full)));
    });
  if (identity)
    items.forEach((_, i) => {
      // the same gauge on both margins: length, not only colour
      root.append(
        svg("rect", {
          class: "filled",
          x: left - 3 - 6 * identity[i],
          y: at(i) - cell * 0.4,
          width: 6 * identity[i],
          height: cell * 0.8,
        }),
        svg("rect", {
          class: "filled",
          x: across(i) - cell * 0.4,
          y: tall - 3 - 6 * identity[i],
          width: cell * 0.8,
          height: 6 * identity[i],
        }),
      );
    });
  const area = svg("rect", { class: "frame", x: left, y: tall, width: size, height: size });
  const hit = svg(
    "g",
    {
      tabindex: 0,
      role: "application",
      "data-matrix": true,
      "aria-label": `${name}: matrix of ${n} by ${n}. Arrow keys move from cell to cell, Enter pins, Escape clears.`,
    },
    svg("rect", { x: left, y: tall, width: size, height: size, fill: "transparent" }),
    svg("image", {
      href: pixels.toDataURL(),
      x: left,
      y: tall,
      width: size,
      height: size,
      preserveAspectRatio: "none",
      style: "image-rendering: pixelated",
    }),
  );
  const ruled =
    n <= 40
      ? Array.from(
          { length: n - 1 },
          (_, i) => `M${left} ${tall + (i + 1) * cell}h${size}M${left + (i + 1) * cell} ${tall}v${size}`,
        ).join("")
      : "";
  const rowBox = svg("rect", { class: "cross", x: left, width: size, height: cell }),
    columnBox = svg("rect", { class: "cross", y: tall, width: cell, height: size });
  const rowTag = svg("g", { class: "tag" }),
    columnTag = svg("g", { class: "tag" });
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
      "rows: from (query) · columns: to (key)",
    ),
  );
  area.setAttribute("pointer-events", "none");
  /** @param {Spot} spot */
  function paint({ q, k }) {
    set(rowBox, { y: tall + (q ?? 0) * cell, visibility: q === null ? "hidden" : "visible" });
    set(columnBox, { x: left + (k ?? 0) * cell, visibility: k === null ? "hidden" : "visible" });
    for (const [i, g] of rows.entries()) g.classList.toggle("on", i === q);
    for (const [i, g] of columns.entries()) g.classList.toggle("on", i === k);
    rowTag.replaceChildren(...(named || q === null ? [] : [rowText(q)]));
    columnTag.replaceChildren(...(named || k === null ? [] : [columnText(k)]));
  }
  const locate = (/** @type {MouseEvent} */ event) => {
    const box = root.getBoundingClientRect(),
      zoom = width / box.width,
      x = (event.clientX - box.left) * zoom,
      y = (event.clientY - box.top) * zoom;
    const q = Math.floor((y - tall) / cell),
      k = Math.floor((x - left) / cell),
      inRow = q >= 0 && q < n,
      inColumn = k >= 0 && k < n;
    if (inRow && inColumn) return { q, k };
    if (inRow && x < left) return { q, k: null };
    return inColumn && y < tall ? { q: null, k } : null;
  };
  return { svg: root, paint, locate, tabStop() {}, focus: () => hit.focus(), note: "" };
}
