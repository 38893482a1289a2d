// ---- neighbourhood.js: one word, its nearest words under each condition, and a map linked to the lists ----
const CSS = `
.search { margin-top: .7rem; } .search input { width: 13rem; } .sum { margin: .6rem 0 0; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.4rem, 1fr)); column-gap: .9rem; margin-top: .9rem; }
.column { min-width: 0; display: grid; grid-row: span 5; grid-template-rows: subgrid; align-content: start; margin-bottom: 1.1rem; border-top: 3px solid var(--line); padding-top: .35rem; } .column.gold { border-top-color: var(--fg); } .column.shown { border-top-color: var(--real); }
.column .name { line-height: 1.25; overflow-wrap: anywhere; } .column .muted { line-height: 1.35; }
.score { display: block; width: 100%; height: 34px; margin: .1rem 0 .15rem; overflow: visible; } .score text { font: 11px system-ui, "Liberation Sans", sans-serif; fill: var(--muted); } .score line { stroke: var(--edge); }
.score .this { fill: var(--real); } .score .mean { stroke: var(--fg); stroke-width: 2; } .score .chance { stroke: var(--control); stroke-width: 2; stroke-dasharray: 3 2; }
ol { list-style: none; margin: .2rem 0 0; padding: 0; } li { display: grid; grid-template-columns: 1rem minmax(0, 1fr) auto; align-items: center; min-height: 1.75rem; border-radius: 5px; font-size: .86rem; }
li > span:first-child { color: var(--muted); font-size: .75rem; font-variant-numeric: tabular-nums; } li button { all: unset; cursor: pointer; padding: .12rem .2rem; border-radius: 4px; overflow-wrap: anywhere; line-height: 1.25; min-height: 1.5rem; box-sizing: border-box; }
li button:hover { text-decoration: underline; } li button:focus-visible { outline: 2px solid var(--focus); } li.hit button { font-weight: 650; } li.near { background: var(--soft); box-shadow: inset 0 0 0 1px var(--edge); }
.marks { color: var(--real); font-size: .85rem; padding-right: .2rem; white-space: nowrap; } .marks .kin { color: var(--mark); margin-left: .2rem; }
.map { min-width: 0; grid-row: span 5; margin-bottom: 1rem; } .map .frame { position: relative; aspect-ratio: 1; max-width: 26rem; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; cursor: crosshair; margin-top: .4rem; background: var(--bg); }
.map canvas { position: absolute; inset: 0; width: 100%; height: 100%; } .map svg { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; } .map svg text { font: 12px system-ui, "Liberation Sans", sans-serif; fill: var(--fg); paint-order: stroke; stroke: var(--bg); stroke-width: 3.5px; stroke-linejoin: round; }
.map .ray { stroke: var(--real); stroke-width: 1.2; opacity: .7; } .map .dot { fill: var(--bg); stroke: var(--real); stroke-width: 2; } .map .hit .dot { fill: var(--real); } .map .self { fill: var(--fg); } .map text.self { font-weight: 700; }
.shared { margin-top: .8rem; padding: .45rem .7rem; background: var(--soft); border-radius: 6px; min-height: 3.1em; overflow-wrap: anywhere; } .key { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin-top: .5rem; }
.key svg { width: 22px; height: 12px; vertical-align: -1px; } .foot { margin-top: .6rem; }
@container (min-width: 500px) { .columns { grid-template-columns: repeat(auto-fill, minmax(9.3rem, 1fr)); column-gap: 1.1rem; } li { font-size: inherit; grid-template-columns: 1.15rem minmax(0, 1fr) auto; } }`;
const NOBODY = 0xffff;

async function draw({ model, el }) {
  const get = (key) => model.get(key),
    put = (key, value) => {
      model.set(key, value);
      model.save_changes();
    };
  const { words, conditions, k, overlap, categories, feature_names, features } = get("meta"),
    n = words.length,
    size = conditions.length * k * n;
  const raw = await inflate(get("data"));
  if (raw.length !== 2 * size) throw new Error(`expected ${2 * size} bytes of payload, found ${raw.length}`);
  const spots = asBytes(get("places")).length ? await inflate(get("places")) : null;
  const place = (i, axis) => (spots[4 * i + 2 * axis] + 256 * spots[4 * i + 2 * axis + 1]) / 65535;
  const listOf = (c, i) =>
    Array.from({ length: k }, (_, r) => {
      const o = (c * k + r) * n + i;
      return raw[o] + 256 * raw[size + o];
    }).filter((j) => j !== NOBODY);
  const index = new Map(words.map((w, i) => [w, i])),
    folded = words.map((w) => w.toLowerCase()),
    chance = k / (n - 1);
  const box = mount(el, CSS, get("label")),
    quit = new AbortController(),
    { signal } = quit;
  const on = (target, event, act) => target.addEventListener(event, act, { signal });
  let self = 0,
    near = null,
    room = 0,
    zoom = false;

  const input = html("input", { type: "search", autocomplete: "off", spellcheck: "false", list: "words" }); // the id lives in this shadow root
  const columns = html("div", { class: "columns" }),
    status = html("p", { class: "muted", role: "status", "aria-live": "polite" }),
    shared = html("div", { class: "shared", role: "status", "aria-live": "polite" });
  const canvas = html("canvas"),
    overlay = svg("svg", { "aria-hidden": "true" }),
    frame = html("div", { class: "frame" }, canvas, overlay),
    shownBox = html("select", { "aria-label": "Map of the neighbours under" }, ...conditions.map((c) => html("option", { value: c }, c)));
  const [zoomBox] = checkbox("Zoom in", (v) => {
    zoom = v;
    paintMap();
  });
  const map = html(
    "div",
    { class: "map", role: "group", "aria-label": "Map of the words" },
    html("div", { class: "bar" }, html("label", {}, "Map of", shownBox), zoomBox),
    frame,
    html(
      "p",
      { class: "muted" },
      `Each point is a word${categories ? "; ◆ is the same category" : ""}. Click one to go there; the lists do the same with the keyboard. Two dimensions cannot keep all distances.`,
    ),
  );
  const picture = (...parts) => svg("svg", { viewBox: "0 0 22 12", "aria-hidden": "true" }, ...parts);
  box.append(
    html(
      "div",
      { class: "bar search" },
      html("label", {}, "Word", input),
      html("datalist", { id: "words" }, ...words.map((w) => html("option", { value: w }))),
      button("Any word", () => go(Math.floor(Math.random() * n))),
      status,
    ),
    html(
      "div",
      { class: "key muted score", style: "height:auto" },
      html("span", {}, picture(svg("circle", { class: "this", cx: 11, cy: 6, r: 5 })), " this word"),
      html("span", {}, picture(svg("line", { class: "mean", x1: 11, x2: 11, y1: 0, y2: 12 })), ` all ${n} words`),
      html(
        "span",
        {},
        picture(svg("line", { class: "chance", x1: 11, x2: 11, y1: 0, y2: 12 })),
        ` chance ${(k * chance).toFixed(2)} of ${k}`,
      ),
      html("span", {}, `✓ also near under ${conditions[0]}`),
      ...(categories ? [html("span", {}, "◆ same category")] : []),
    ),
    columns,
    shared,
    html("div", { class: "bar foot" }, button("Download CSV", saveCsv)),
  );

  const kin = (i, j) => categories && categories[i] !== null && categories[i] === categories[j];
  function score(c, own) {
    // this word, all words and chance on one axis from 0 to k
    const x = (v) => 6 + 128 * v,
      label = `${own.hits} of ${k}; all words ${(k * overlap[c]).toFixed(1)}; chance ${(k * chance).toFixed(2)}`;
    return svg(
      "svg",
      {
        class: "score",
        viewBox: "0 0 140 34",
        preserveAspectRatio: "xMinYMid meet",
        role: "img",
        "aria-label": `Overlap with ${conditions[0]}: ${label}`,
      },
      svg("title", {}, label),
      svg("line", { x1: x(0), x2: x(1), y1: 13, y2: 13 }),
      svg("line", { x1: x(0), x2: x(0), y1: 10, y2: 16 }),
      svg("line", { x1: x(1), x2: x(1), y1: 10, y2: 16 }),
      svg("line", { class: "chance", x1: x(chance), x2: x(chance), y1: 5, y2: 21 }),
      svg("line", { class: "mean", x1: x(overlap[c]), x2: x(overlap[c]), y1: 5, y2: 21 }),
      svg("circle", { class: "this", cx: x(own.hits / k), cy: 13, r: 5 }),
      svg("text", { x: 0, y: 33 }, "0"),
      svg("text", { x: 140, y: 33, "text-anchor": "end" }, k),
    );
  }
  function build() {
    const gold = new Set(listOf(0, self));
    columns.replaceChildren(
      ...conditions.map((name, c) => {
        const list = listOf(c, self),
          own = { hits: list.filter((j) => gold.has(j)).length, kin: list.filter((j) => kin(self, j)).length };
        const items = list.map((j, r) => {
          const hit = c > 0 && gold.has(j),
            marks = html(
              "span",
              { class: "marks" },
              ...(hit ? [html("span", { title: `also near under ${conditions[0]}`, "aria-hidden": "true" }, "✓")] : []),
              ...(kin(self, j)
                ? [html("span", { class: "kin", title: "same category", "aria-hidden": "true" }, "◆")]
                : []),
            );
          const go = html(
            "button",
            { type: "button", "data-j": j },
            visible(words[j]),
            html(
              "span",
              { class: "hidden" },
              `${hit ? `, also near under ${conditions[0]}` : ""}${kin(self, j) ? ", same category" : ""}`,
            ),
          );
          return html(
            "li",
            { class: hit ? "hit" : "", "data-j": j },
            html("span", { "aria-hidden": "true" }, r + 1),
            go,
            marks,
          );
        });
        return html(
          "div",
          {
            role: "group",
            class: `column${c === 0 ? " gold" : ""}${spots && name === get("shown") ? " shown" : ""}`,
            "aria-label": name,
          },
          html("p", { class: "name" }, name),
          html(
            "span",
            { class: "muted" },
            c === 0
              ? "the reference"
              : list.length
                ? `${own.hits} of ${k} shared with ${conditions[0]}`
                : "zero vector: no neighbours",
          ),
          ...(c === 0 ? [html("div", { class: "score" })] : [score(c, own)]),
          html(
            "span",
            { class: "muted" },
            categories && categories[self] !== null ? `◆ ${own.kin} of ${k}: ${categories[self]}` : "",
          ),
          html("ol", {}, ...items),
        );
      }),
      ...(spots ? [map] : []),
    );
    arrange();
    if (spots) paintMap();
    paintNear();
  }
  function arrange() {
    // the map fills what the last row of lists leaves free, if that is wide enough
    const across = getComputedStyle(columns).gridTemplateColumns.split(" ").length,
      free = across - (conditions.length % across);
    map.style.gridColumn = free >= 2 && free < across ? `span ${free}` : "1 / -1";
  }
  // -- the map: all words on a canvas, the chosen word and its neighbours above it as SVG --
  let window = [0, 0, 1]; // what the map shows of the unit square: left, bottom, side
  function aim() {
    const all = [self, ...listOf(conditions.indexOf(get("shown")), self)],
      [xs, ys] = [0, 1].map((axis) => all.map((i) => place(i, axis)));
    const middle = [xs, ys].map((v) => (Math.max(...v) + Math.min(...v)) / 2),
      side = Math.min(1, Math.max(0.08, 1.15 * Math.max(...[xs, ys].map((v) => Math.max(...v) - Math.min(...v)))));
    window = zoom ? [middle[0] - side / 2, middle[1] - side / 2, side] : [0, 0, 1];
  }
  const spot = (i, side) => [
    26 + ((place(i, 0) - window[0]) / window[2]) * (side - 52),
    26 + (1 - (place(i, 1) - window[1]) / window[2]) * (side - 52),
  ];
  function paintMap() {
    aim();
    const side = frame.clientWidth,
      ratio = Math.min(3, devicePixelRatio || 1),
      brush = canvas.getContext("2d"),
      at = (i) => spot(i, side);
    if (!side) return;
    canvas.width = canvas.height = side * ratio;
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    brush.fillStyle = cssColour(box, "--edge");
    brush.globalAlpha = n > 1500 ? 0.35 : 0.55;
    for (let i = 0; i < n; i++)
      if (!kin(self, i)) {
        const [x, y] = at(i);
        brush.beginPath();
        brush.arc(x, y, n > 1500 ? 1.6 : 2.4, 0, 7);
        brush.fill();
      }
    brush.fillStyle = cssColour(box, "--mark");
    brush.globalAlpha = 0.9;
    for (let i = 0; i < n; i++)
      if (i !== self && kin(self, i)) {
        const [x, y] = at(i);
        brush.beginPath();
        brush.moveTo(x, y - 4.5);
        brush.lineTo(x + 4, y);
        brush.lineTo(x, y + 4.5);
        brush.lineTo(x - 4, y);
        brush.fill();
      }
    const gold = new Set(listOf(0, self)),
      [sx, sy] = at(self),
      list = listOf(conditions.indexOf(get("shown")), self),
      taken = [self, ...list].map((j) => {
        const [x, y] = at(j);
        return [x - 4, y - 4, x + 4, y + 4];
      });
    set(overlay, { viewBox: `0 0 ${side} ${side}` });
    const label = (i, x, y, props = {}) => {
      // a name is written only where it covers no other name
      const text = fit(visible(words[i]), side * 0.4),
        w = widthOf(text) * 0.93;
      for (const dy of [0, -13, 13, -26, 26])
        for (const left of [x + 8, x - 8 - w]) {
          const [l, t, r, b] = [left, y + dy - 8, left + w, y + dy + 6];
          if (
            l > 0 &&
            r < side &&
            t > 0 &&
            b < side &&
            taken.every(([l2, t2, r2, b2]) => l > r2 || r < l2 || t > b2 || b < t2)
          ) {
            taken.push([l, t, r, b]);
            return [svg("text", { x: left, y: y + dy + 4, ...props }, text)];
          }
        }
      return [];
    };
    const own = label(self, sx, sy, { class: "self" }),
      pointed = near !== null && near !== self ? label(near, ...at(near), { "font-weight": 700 }) : [];
    overlay.replaceChildren(
      ...list.map((j) => {
        const [x, y] = at(j);
        return svg("line", { class: "ray", x1: sx, y1: sy, x2: x, y2: y });
      }),
      ...list.map((j) => {
        const [x, y] = at(j);
        return svg(
          "g",
          { class: gold.has(j) ? "hit" : "" },
          svg("circle", { class: "dot", cx: x, cy: y, r: 4.5 }),
          ...(j === near ? [] : label(j, x, y)),
        );
      }),
      svg("circle", { class: "self", cx: sx, cy: sy, r: 6 }),
      ...own,
      ...(near === null
        ? []
        : [
            svg("circle", {
              cx: at(near)[0],
              cy: at(near)[1],
              r: 8,
              fill: "none",
              stroke: cssColour(box, "--fg"),
              "stroke-width": 2,
            }),
          ]),
      ...pointed,
    );
  }
  function paintNear() {
    for (const item of columns.querySelectorAll("li")) item.classList.toggle("near", +item.dataset.j === near);
    if (near === null || near === self) {
      shared.textContent = `Point at a neighbour to find it in every list${spots ? " and on the map" : ""}${features ? ", and to see what the two share" : ""}.`;
      return;
    }
    const where = conditions.filter((_, c) => listOf(c, self).includes(near)),
      both = features ? features[self].filter((f) => features[near].includes(f)).map((f) => feature_names[f]) : [];
    shared.replaceChildren(
      html("b", {}, visible(words[near])),
      categories?.[near] ? ` (${categories[near]})` : "",
      where.length
        ? `: near “${visible(words[self])}” under ${where.join(", ")}.`
        : `: not among the ${k} nearest under any condition.`,
      ...(features
        ? [
            html(
              "div",
              {},
              both.length
                ? `Both: ${both.slice(0, 12).join(", ")}${both.length > 12 ? ` and ${both.length - 12} more` : ""}.`
                : "No feature in common.",
            ),
          ]
        : []),
    );
  }
  const point = (j) => {
    if (j !== near) {
      near = j;
      paintNear();
      if (spots) paintMap();
    }
  };
  const go = (i) => put("word", words[i]);
  function refresh() {
    self = index.get(get("word")) ?? 0;
    near = null;
    shownBox.value = get("shown");
    if (box.getRootNode().activeElement !== input) input.value = words[self];
    status.textContent =
      `${n.toLocaleString("en")} words. “${visible(words[self])}”${categories?.[self] ? ` (${categories[self]})` : ""}: ` +
      conditions
        .slice(1)
        .map((c, i) => {
          const gold = new Set(listOf(0, self));
          return `${c} ${listOf(i + 1, self).filter((j) => gold.has(j)).length}`;
        })
        .join(", ") +
      ` of ${k}.`;
    build();
  }
  function saveCsv() {
    const gold = new Set(listOf(0, self));
    download(
      `neighbours-${words[self].replace(/[^\p{L}\p{N}]+/gu, "_")}.csv`,
      "text/csv",
      "\ufeff" +
        csvRow(["word", "condition", "rank", "neighbour", "also_gold", "same_category"]) +
        conditions
          .map((c, ci) =>
            listOf(ci, self)
              .map((j, r) => csvRow([words[self], c, r + 1, words[j], gold.has(j), categories ? !!kin(self, j) : ""]))
              .join(""),
          )
          .join(""),
    );
  }
  on(input, "input", () => {
    const typed = input.value.trim(),
      at = index.get(typed) ?? folded.indexOf(typed.toLowerCase());
    if (at >= 0) return go(at);
    const like = typed ? words.filter((w, i) => folded[i].startsWith(typed.toLowerCase())) : [];
    status.textContent =
      typed === ""
        ? "Type a word."
        : like.length
          ? `${like.length} words begin so: ${like.slice(0, 5).join(", ")}${like.length > 5 ? " …" : ""}`
          : `“${typed}” is not among the ${n} words.`;
  });
  on(input, "keydown", (e) => {
    // Enter takes the first completion
    if (e.key !== "Enter") return;
    const at = folded.findIndex((w) => w.startsWith(input.value.trim().toLowerCase()));
    if (at >= 0 && input.value.trim()) {
      go(at);
      input.value = words[at];
    }
  });
  on(columns, "click", (e) => {
    const b = e.target.closest("button");
    if (b) {
      const c = [...columns.children].indexOf(b.closest(".column"));
      go(+b.dataset.j);
      columns.children[c]?.querySelector("button")?.focus();
    }
  });
  on(columns, "pointerover", (e) => {
    const item = e.target.closest("li");
    point(item ? +item.dataset.j : null);
  });
  on(columns, "pointerleave", () => point(null));
  on(columns, "focusin", (e) => {
    const b = e.target.closest("button");
    if (b) point(+b.dataset.j);
  });
  on(columns, "keydown", (e) => {
    // up and down within a list, left and right between lists
    const b = e.target.closest("button"),
      move = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] }[e.key];
    if (!b || !move) return;
    const lists = [...columns.querySelectorAll(".column")].map((s) => [...s.querySelectorAll("button")]),
      c = lists.findIndex((l) => l.includes(b)),
      r = lists[c].indexOf(b),
      column = lists[c + move[0]];
    if (column) column[Math.min(r + move[1], column.length - 1)]?.focus();
    e.preventDefault();
    e.stopPropagation();
  });
  const pointed = (e) => {
    const box = frame.getBoundingClientRect();
    let best = null,
      least = 18 ** 2;
    for (let i = 0; i < n; i++) {
      const [x, y] = spot(i, box.width),
        d = (x - e.clientX + box.left) ** 2 + (y - e.clientY + box.top) ** 2;
      if (d < least) {
        least = d;
        best = i;
      }
    }
    return best;
  };
  on(frame, "pointermove", (e) => point(pointed(e)));
  on(frame, "pointerleave", () => point(null));
  on(frame, "click", (e) => {
    const i = pointed(e);
    if (i !== null) go(i);
  });
  on(shownBox, "change", () => put("shown", shownBox.value));
  const handlers = { "change:word": refresh, "change:shown": refresh };
  for (const [event, act] of Object.entries(handlers)) model.on(event, act);
  const resize = new ResizeObserver(() => {
    if (Math.abs(columns.clientWidth - room) > 1) {
      room = columns.clientWidth;
      arrange();
      if (spots) paintMap();
    }
  });
  refresh();
  followTheme(box, () => spots && paintMap(), signal);
  resize.observe(columns);
  return () => {
    quit.abort();
    resize.disconnect();
    for (const [event, act] of Object.entries(handlers)) model.off(event, act);
  };
}
export default { render };
