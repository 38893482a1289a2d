// ---- attention_figure.js: the two pictures of one map. Each returns {svg, paint, locate}: built once, then only repainted ----
// A rebuild under the mouse would lose keyboard focus, so paint(selection) changes attributes and never replaces what can have focus.
const FIGURE_CSS = `text { font: 13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; fill: var(--fg); }
.special text { font-style: italic; fill: var(--muted); } text.value { font-variant-numeric: tabular-nums; fill: var(--muted); font-size: 12px; }
.head { fill: var(--muted); font-size: 12px; } .on text { font-weight: 700; } .tok .back { fill: transparent; } .tok.on .back { fill: var(--soft); stroke: var(--edge); }
.link { fill: none; stroke: var(--ink); stroke-linecap: round; } .dim { opacity: .1; } .weight { fill: var(--ink); opacity: .28; }
.gauge { fill: none; stroke: var(--edge); stroke-width: .75; } .filled { fill: var(--mark); } .frame { fill: none; stroke: var(--edge); }
.cross { fill: none; stroke: var(--fg); stroke-width: 1.5; pointer-events: none; } .grid { stroke: var(--bg); stroke-width: 1; opacity: .55; }
.tag rect { fill: var(--bg); } .tag text { font-weight: 700; }`;
const MOST_LINKS = 3000;

// Links of like width and strength share one path element: a map of 256 tokens stays under a hundred elements.
function linkPaths(group, links, ends, scale, identity) {
  const paths = new Map(),
    { x1, x2, y1, y2 } = ends,
    xm = (x1 + x2) / 2;
  const add = (t, fade, d) => {
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
const gauge = (x, y, height, value) => [
  svg("rect", { class: "gauge", x, y, width: 4, height }),
  svg("rect", { class: "filled", x, y: y + height * (1 - value), width: 4, height: height * value }),
];

function linesFigure({ items, matrix, scale, identity, width, colour, name, percent }) {
  const n = items.length,
    row = n > 40 ? 19 : 23,
    top = 26,
    number = 38,
    height = top + n * row + 4;
  const room = Math.max(40, Math.min(Math.max(...items.map((t) => widthOf(t.text))) + 4, width * 0.31));
  const x1 = number + room + 12,
    x2 = width - number - room - 12,
    y = (i) => top + (i + 0.5) * row,
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
  let links = [];
  for (let q = 0; q < n; q++)
    for (let k = 0; k < n; k++)
      if (matrix[q * n + k] >= 0.01 * scale && matrix[q * n + k] >= 0.004) links.push([q, k, matrix[q * n + k]]);
  const dropped = Math.max(0, links.length - MOST_LINKS);
  if (dropped) links = links.sort((a, b) => b[2] - a[2]).slice(0, MOST_LINKS);
  linkPaths(base, links, ends, scale, identity);
  const side = (which) =>
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
      return { token, bar, value, spoken: (number) => `${item.text}${number}${place}` };
    });
  const from = side("q"),
    to = side("k");
  function paint({ q, k }) {
    base.classList.toggle("dim", q !== null || k !== null);
    const chosen =
      q === null && k === null ? [] : links.filter(([a, b]) => (q === null || a === q) && (k === null || b === k));
    linkPaths(strong, chosen, ends, scale, identity);
    for (const [rows, own, other, at] of [
      [from, q, k, (i) => i * n + k],
      [to, k, q, (i) => q * n + i],
    ])
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
  const locate = (event) => {
    const token = event.target.closest?.(".tok");
    return token ? { q: null, k: null, [token.dataset.side]: +token.dataset.i } : null;
  };
  const focusable = ({ q, k }) => (k !== null && q === null ? to[k].token : from[q ?? 0].token);
  const tabStop = (sel) => {
    for (const { token } of [...from, ...to]) token.setAttribute("tabindex", -1);
    focusable(sel).setAttribute("tabindex", 0);
  };
  return {
    svg: root,
    paint,
    locate,
    tabStop,
    focus: (sel) => focusable(sel).focus(),
    note: dropped
      ? `The ${MOST_LINKS.toLocaleString("en")} strongest links are drawn; ${dropped.toLocaleString("en")} weaker ones are not.`
      : "",
  };
}

function matrixFigure({ items, matrix, scale, identity, width, colour, name, rgb, percent }) {
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
    brush = pixels.getContext("2d"),
    image = brush.createImageData(n, n);
  for (let q = 0; q < n; q++)
    for (let k = 0; k < n; k++) {
      const fade = identity ? Math.min(identity[q], identity[k]) : 1,
        o = 4 * (q * n + k);
      image.data.set([...rgb, 255 * Math.min(1, matrix[q * n + k] / scale) * fade], o);
    }
  brush.putImageData(image, 0, 0);
  const at = (i) => tall + (i + 0.5) * cell,
    across = (i) => left + (i + 0.5) * cell;
  const root = svg("svg", {
    class: "figure",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "group",
    "aria-label": `${name}: attention as a matrix`,
    style: `--ink: var(${colour})`,
  });
  const rowText = (i) =>
    svg(
      "text",
      { x: left - 6 - pad, y: at(i) + 4.5, "text-anchor": "end", style: named ? font : "" },
      fit(items[i].text, room),
    );
  const columnText = (i) =>
    svg(
      "text",
      { transform: `translate(${across(i) + 3} ${tall - 5 - pad}) rotate(-60)`, style: named ? font : "" },
      fit(items[i].text, Math.min(room, 84)),
    );
  const rows = [],
    columns = [];
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
  function paint({ q, k }) {
    set(rowBox, { y: tall + (q ?? 0) * cell, visibility: q === null ? "hidden" : "visible" });
    set(columnBox, { x: left + (k ?? 0) * cell, visibility: k === null ? "hidden" : "visible" });
    rows.forEach((g, i) => g.classList.toggle("on", i === q));
    columns.forEach((g, i) => g.classList.toggle("on", i === k));
    rowTag.replaceChildren(...(named || q === null ? [] : [rowText(q)]));
    columnTag.replaceChildren(...(named || k === null ? [] : [columnText(k)]));
  }
  const locate = (event) => {
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
// The picture as a file: every panel side by side, colours resolved, nothing that needs this page.
function exportSvg(box, panels, title) {
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
    const copy = p.svg.cloneNode(true);
    for (const node of copy.querySelectorAll("[tabindex]")) node.removeAttribute("tabindex");
    set(copy, { x, y: 56, style: `color: ${cssColour(box, p.colour)}` });
    file.append(svg("text", { x, y: 46 }, p.name), copy);
    x += p.svg.viewBox.baseVal.width + gap;
  }
  return new XMLSerializer().serializeToString(file);
}
