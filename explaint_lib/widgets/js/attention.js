// ---- attention.js: one layer and head at a time, with its control beside it; the state lives in the model, the pointer here ----
const CSS = `${FIGURE_CSS.replace(/^text/, ":where(svg.figure) text")}
.top { display: grid; gap: .9rem 1.4rem; margin-top: .7rem; } .controls { display: grid; gap: .65rem; align-content: start; min-width: 0; }
.heads { display: grid; gap: 2px; justify-content: start; max-height: 15rem; overflow: auto; padding: 3px; scrollbar-width: thin; }
.heads [role=presentation] { display: contents; } .heads span { font-size: 11px; line-height: 1; color: var(--muted); place-self: center; font-variant-numeric: tabular-nums; }
.heads button { padding: 0; border: 1px solid var(--line); border-radius: 3px; background: var(--bg); cursor: pointer; aspect-ratio: 1; line-height: 0; overflow: clip; }
.heads button:hover { border-color: var(--fg); } .heads [aria-checked=true] { outline: 2px solid var(--fg); outline-offset: 1px; }
.heads [aria-checked=true]:focus-visible { outline: 3px solid var(--focus); } .heads canvas { width: 100%; height: 100%; image-rendering: pixelated; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 290px), 1fr)); gap: .4rem 1.2rem; margin-top: .9rem; border-top: 1px solid var(--line); padding-top: .7rem; }
.panel { min-width: 0; } .panel svg { display: block; max-width: 100%; height: auto; touch-action: manipulation; } .panel svg :focus { outline: none; }
.panel svg .tok:focus-visible .back { stroke: var(--focus); stroke-width: 2.5; } .panel svg [data-matrix]:focus-visible + * + .frame { stroke: var(--focus); stroke-width: 3; }
.panel .name { color: var(--ink); } .panel .name span { margin-right: .35rem; } .long { max-height: 36rem; overflow: auto; scrollbar-width: thin; }
.status { margin-top: .6rem; min-height: 3.2em; padding: .45rem .7rem; background: var(--soft); border-radius: 6px; overflow-wrap: anywhere; }
.scale { display: inline-block; width: 5rem; height: .6rem; border: 1px solid var(--edge); border-radius: 2px; margin: 0 .15rem; vertical-align: -1px; background: linear-gradient(to right, transparent, var(--ink)); }
.foot { margin: .6rem 0; } form.bar { margin-top: .7rem; } form input { flex: 1 1 14rem; min-width: 0; }
@container (min-width: 600px) { .top { grid-template-columns: minmax(0, 1fr) minmax(15rem, .85fr); } }`;

async function draw({ model, el }) {
  const get = (key) => model.get(key),
    put = (key, value) => {
      model.set(key, value);
      model.save_changes();
    };
  let meta,
    maps,
    items,
    groups,
    panels = [],
    pin = null,
    cursor = null,
    hover = null,
    generation = 0,
    width = 0;
  const none = { q: null, k: null },
    active = () => hover ?? cursor ?? pin ?? none;
  async function load() {
    const m = get("meta"),
      count = m.layers * m.heads * m.n * m.n;
    const loaded = [
      { name: m.name, glyph: "●", colour: "--real", data: await unpackSmall(get("data"), count), identity: m.identity },
    ];
    if (m.control)
      loaded.push({
        name: m.control,
        glyph: "▲",
        colour: "--control",
        data: await unpackSmall(get("control_data"), count),
        identity: m.control_identity,
      });
    meta = m;
    maps = loaded;
  }
  await load();
  const box = mount(el, CSS, get("label")),
    quit = new AbortController(),
    { signal } = quit;
  const on = (target, event, act) => target.addEventListener(event, act, { signal });
  const percent = (a) =>
    a < 0.5 / meta.levels ? "0%" : `${(100 * a).toFixed(meta.levels > 100 && a < 0.0995 ? 1 : 0)}%`;

  // -- one map as the reader wants it: word pieces merged (sum over the pieces looked at, mean over the pieces that look), special tokens hidden --
  function regroup() {
    const merged = get("merged") && meta.word_ids,
      hide = !get("show_special"),
      made = new Map();
    meta.tokens.forEach((token, i) => {
      if (hide && meta.special[i]) return;
      const word = merged && meta.word_ids[i] >= 0 ? meta.word_ids[i] : `t${i}`;
      if (!made.has(word))
        made.set(word, { full: typeof word === "number" ? meta.words[word] : token, special: meta.special[i], at: [] });
      made.get(word).at.push(i);
    });
    items = [...made.values()];
    for (const item of items) item.text = visible(item.full);
    groups = items.map((item) => item.at);
  }
  function matrixOf(map, layer, head) {
    const n = meta.n,
      start = (layer * meta.heads + head) * n * n,
      m = groups.length,
      out = new Float32Array(m * m);
    for (let q = 0; q < m; q++)
      for (let k = 0; k < m; k++) {
        let sum = 0;
        for (const b of groups[k]) for (const a of groups[q]) sum += map.data[start + b * n + a]; // stored (layer, head, key, query)
        out[q * m + k] = sum / (groups[q].length * meta.levels);
      }
    return out;
  }
  const identityOf = (map) => {
    const rows = map.identity?.[get("measure")];
    return rows ? groups.map((at) => at.reduce((s, i) => s + rows[get("layer")][i], 0) / at.length / 100) : null;
  };
  // -- controls --
  const layerBox = html("select", { "aria-label": "Layer" }),
    headBox = html("select", { "aria-label": "Head" }),
    measureBox = html("select", { "aria-label": "Fade links by identity" }),
    heads = html("div", { class: "heads", role: "radiogroup" });
  const [viewSeg, showView] = segmented(
    "Picture",
    [
      ["lines", "Links"],
      ["matrix", "Matrix"],
    ],
    (v) => put("view", v),
  );
  const [gridSeg, showGrid] = segmented(
    "Maps in the overview",
    maps.map((m, i) => [i, m.name]),
    (i) => {
      gridOf = i;
      thumbs();
    },
  );
  const [mergeBox, mergeInput] = checkbox("Whole words", (v) => put("merged", v)),
    [specialBox, specialInput] = checkbox("Special tokens", (v) => put("show_special", v));
  const gridNote = html("p", { class: "muted" }),
    panelsBox = html("div", { class: "panels" }),
    status = html("div", { class: "status", role: "status", "aria-live": "polite" });
  const legend = html("p", { class: "muted" }),
    table = html("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Weights as a table" }),
    details = html("details", {}, html("summary", {}, "Numbers as a table"), table);
  const sentence = html("input", { type: "text", autocomplete: "off" }),
    form = html(
      "form",
      { class: "bar" },
      html("label", {}, "Your own sentence"),
      sentence,
      html("button", { class: "button" }, "Recompute"),
    );
  sentence.setAttribute("aria-label", "Your own sentence");
  const measureLabel = html("label", {}, "Fade links by identity", measureBox);
  let gridOf = 0,
    buttons = [];
  box.append(
    html(
      "div",
      { class: "top" },
      html("div", { class: "controls" }, ...(maps.length > 1 ? [gridSeg] : []), heads, gridNote),
      html(
        "div",
        { class: "controls" },
        html("div", { class: "bar" }, html("label", {}, "Layer", layerBox), html("label", {}, "Head", headBox)),
        viewSeg,
        html("div", { class: "bar" }, specialBox, mergeBox),
        measureLabel,
        legend,
      ),
    ),
    panelsBox,
    status,
    html("div", { class: "bar foot" }, button("Download CSV", saveCsv), button("Download SVG", saveSvg)),
    details,
  );
  showGrid(0);

  function rebuildControls() {
    const options = (n) => Array.from({ length: n }, (_, i) => html("option", { value: i }, i));
    layerBox.replaceChildren(...options(meta.layers));
    headBox.replaceChildren(...options(meta.heads));
    measureBox.replaceChildren(
      html("option", { value: "" }, "off"),
      ...Object.keys(meta.identity ?? {}).map((name) => html("option", { value: name }, name)),
    );
    measureLabel.hidden = !meta.identity;
    measureLabel.style.display = meta.identity ? "" : "none";
    mergeBox.style.display = meta.word_ids ? "" : "none";
    specialBox.style.display = meta.special.some(Boolean) ? "" : "none";
    heads.style.gridTemplateColumns = `1.1rem repeat(${meta.heads}, minmax(0, 32px))`;
    heads.setAttribute("aria-label", "All heads: rows are layers, columns are heads");
    buttons = Array.from({ length: meta.layers * meta.heads }, (_, i) =>
      html(
        "button",
        {
          type: "button",
          role: "radio",
          "data-i": i,
          "aria-label": `Layer ${Math.floor(i / meta.heads)}, head ${i % meta.heads}`,
          title: `Layer ${Math.floor(i / meta.heads)}, head ${i % meta.heads}`,
        },
        html("canvas", { width: 1, height: 1 }),
      ),
    );
    const rowOf = (l) =>
      html(
        "div",
        { role: "presentation" },
        html("span", { "aria-hidden": "true" }, l),
        ...buttons.slice(l * meta.heads, (l + 1) * meta.heads),
      );
    heads.replaceChildren(
      html(
        "div",
        { role: "presentation" },
        html("span"),
        ...Array.from({ length: meta.heads }, (_, i) => html("span", { "aria-hidden": "true" }, i)),
      ),
      ...Array.from({ length: meta.layers }, (_, l) => rowOf(l)),
    );
    sentence.value = get("sentence");
  }
  function thumbs() {
    // one layer at a time, between frames, so that 270 heads never block the page
    const turn = ++generation,
      map = maps[gridOf],
      ink = rgb(cssColour(box, map.colour)),
      m = groups.length,
      side = Math.min(m, 40);
    const one = (i) => {
      const a = matrixOf(map, Math.floor(i / meta.heads), i % meta.heads),
        canvas = buttons[i].firstChild,
        brush = canvas.getContext("2d"),
        peak = new Float32Array(side * side);
      for (let q = 0; q < m; q++)
        for (let k = 0; k < m; k++) {
          const o = Math.floor((q * side) / m) * side + Math.floor((k * side) / m);
          peak[o] = Math.max(peak[o], a[q * m + k]);
        }
      canvas.width = canvas.height = side;
      const image = brush.createImageData(side, side);
      peak.forEach((v, o) => image.data.set([...ink, 255 * Math.sqrt(v)], 4 * o));
      brush.putImageData(image, 0, 0);
    };
    const step = (layer) => {
      if (turn !== generation || signal.aborted) return;
      for (let h = 0; h < meta.heads; h++) one(layer * meta.heads + h);
      if (layer + 1 < meta.layers) setTimeout(step, 0, layer + 1);
    };
    step(0);
    gridNote.textContent = `All heads (rows: layers, columns: heads)${maps.length > 1 ? `, ${map.name}` : ""}: darker is more weight, on one scale for all.`;
  }
  // -- the pictures --
  function build() {
    const [layer, head] = [get("layer"), get("head")],
      matrices = maps.map((map) => matrixOf(map, layer, head));
    const scale = Math.max(1 / meta.levels, ...matrices.map((a) => a.reduce((x, y) => Math.max(x, y), 0)));
    const gap = 20,
      two = maps.length > 1 && panelsBox.clientWidth >= 600,
      room = Math.max(240, Math.floor(two ? (panelsBox.clientWidth - gap) / 2 : panelsBox.clientWidth));
    const refocus = panelsBox.contains(box.getRootNode().activeElement),
      make = get("view") === "matrix" ? matrixFigure : linesFigure;
    for (const sel of [pin, cursor]) if (sel && Math.max(sel.q ?? 0, sel.k ?? 0) >= items.length) pin = cursor = null;
    panels = maps.map((map, i) => {
      const identity = identityOf(map);
      return {
        ...map,
        matrix: matrices[i],
        identity,
        ...make({
          items,
          matrix: matrices[i],
          scale,
          identity,
          width: Math.min(room, maps.length > 1 ? 460 : 620),
          colour: map.colour,
          name: map.name,
          percent,
          rgb: rgb(cssColour(box, map.colour)),
        }),
      };
    });
    panelsBox.classList.toggle("long", items.length > 26);
    panelsBox.replaceChildren(
      ...panels.map((p) =>
        html(
          "div",
          { class: "panel", style: `--ink: var(${p.colour})` },
          html("p", { class: "name" }, html("span", { "aria-hidden": "true" }, p.glyph), p.name),
          html("p", { class: "muted" }, remark(p)),
          p.svg,
        ),
      ),
    );
    legend.replaceChildren(
      "Weight 0",
      ...maps.map((map) => html("span", { class: "scale", style: `--ink: var(${map.colour})` })),
      `${percent(scale)}${maps.length > 1 ? ", one scale for both maps" : ""}. `,
      ...(get("measure") && meta.identity
        ? [
            `Links, cells and gauges fade by how far each end still is its token (${get("measure")}, state entering layer ${layer})${maps.every((map) => map.identity) ? "" : `; not known for ${maps.find((map) => !map.identity).name}`}. `,
          ]
        : []),
      ...panels
        .map((p) => p.note)
        .filter(Boolean)
        .slice(0, 1),
    );
    paint(refocus);
  }
  function remark(p) {
    const m = items.length,
      rows = p.matrix.reduce((a, b) => a + b, 0) / m,
      hidden = !get("show_special") && meta.special.some(Boolean);
    if (hidden && meta.rows_sum)
      return `${percent(Math.max(0, 1 - rows))} of each row's weight, on average, goes to hidden special tokens; nothing is rescaled.`;
    let onSpecial = 0,
      onSelf = 0;
    for (let q = 0; q < m; q++)
      for (let k = 0; k < m; k++) {
        if (items[k].special) onSpecial += p.matrix[q * m + k] / m;
        if (q === k) onSelf += p.matrix[q * m + k] / m;
      }
    return `Mean row: ${meta.special.some(Boolean) && !hidden ? `${percent(onSpecial)} on special tokens, ` : ""}${percent(onSelf)} on itself.`;
  }
  function paint(refocus) {
    const sel = active();
    for (const p of panels) {
      p.paint(sel);
      p.tabStop(cursor ?? pin ?? none);
    }
    if (refocus) panels[cursor?.panel ?? 0].focus(cursor ?? pin ?? none);
    speak(sel);
    if (details.open) fillTable();
  }
  const quote = (i) => `“${fit(items[i].text, 220)}”`;
  function speak({ q, k }) {
    const n = items.length,
      lines = [
        html(
          "div",
          {},
          html("b", {}, `Layer ${get("layer")}, head ${get("head")}`),
          q === null && k === null
            ? ". Point at a token or move with the arrow keys; click or press Enter to pin it."
            : q !== null && k !== null
              ? `: ${quote(q)} → ${quote(k)}`
              : q !== null
                ? `: ${quote(q)} attends to`
                : `: ${quote(k)} is attended to by`,
          ...(pin && same(pin, { q, k }) ? [html("span", { class: "muted" }, " (pinned; Escape frees it)")] : []),
        ),
      ];
    if (q !== null || k !== null)
      for (const p of panels) {
        const list =
          q !== null && k !== null
            ? percent(p.matrix[q * n + k])
            : Array.from({ length: n }, (_, i) => [q !== null ? p.matrix[q * n + i] : p.matrix[i * n + k], i])
                .sort((a, b) => b[0] - a[0])
                .slice(0, 4)
                .filter(([a]) => a > 0)
                .map(([a, i]) => `${quote(i)} ${percent(a)}`)
                .join(", ");
        lines.push(html("div", {}, `${p.glyph} ${p.name}: ${list || "nothing recorded"}`));
      }
    status.replaceChildren(...lines);
  }
  function fillTable() {
    const q = active().q ?? 0,
      n = items.length;
    table.replaceChildren(
      html(
        "table",
        {},
        html(
          "caption",
          {},
          `Layer ${get("layer")}, head ${get("head")}: from ${quote(q)} to (weights are stored to within ±${(50 / meta.levels).toFixed(1)}%)`,
        ),
        html(
          "thead",
          {},
          html(
            "tr",
            {},
            html("th", { scope: "col" }, "token"),
            ...panels.map((p) => html("th", { scope: "col", class: "num" }, p.name)),
          ),
        ),
        html(
          "tbody",
          {},
          ...items.map((item, k) =>
            html(
              "tr",
              {},
              html("th", { scope: "row" }, item.text),
              ...panels.map((p) => html("td", { class: "num" }, percent(p.matrix[q * n + k]))),
            ),
          ),
        ),
      ),
    );
  }
  const fileName = () => `attention-layer${get("layer")}-head${get("head")}`;
  function saveCsv() {
    const n = items.length,
      cells = [];
    for (let q = 0; q < n; q++)
      for (let k = 0; k < n; k++)
        cells.push(
          csvRow([
            get("layer"),
            get("head"),
            q,
            items[q].full,
            k,
            items[k].full,
            ...panels.map((p) => p.matrix[q * n + k].toFixed(4)),
          ]),
        );
    download(
      `${fileName()}.csv`,
      "text/csv",
      "\ufeff" +
        csvRow(["layer", "head", "query_index", "query", "key_index", "key", ...panels.map((p) => p.name)]) +
        cells.join(""),
    );
  }
  function saveSvg() {
    download(
      `${fileName()}.svg`,
      "image/svg+xml",
      exportSvg(box, panels, `${get("label")} (layer ${get("layer")}, head ${get("head")})`),
    );
  }
  function refresh() {
    layerBox.value = get("layer");
    headBox.value = get("head");
    measureBox.value = get("measure");
    showView(get("view"));
    mergeInput.checked = get("merged");
    specialInput.checked = get("show_special");
    const chosen = get("layer") * meta.heads + get("head");
    buttons.forEach((b, i) => set(b, { "aria-checked": i === chosen, tabindex: i === chosen ? 0 : -1 }));
    build();
  }
  function relabel() {
    pin = cursor = hover = null;
    regroup();
    refresh();
    thumbs();
  }

  // -- events: pointer and keyboard move the same selection, in both panels at once --
  const same = (a, b) => (a?.q ?? null) === (b?.q ?? null) && (a?.k ?? null) === (b?.k ?? null);
  const panelAt = (event) => panels.findIndex((p) => p.svg.contains(event.target));
  const located = (event) => {
    const i = panelAt(event),
      at = i < 0 ? null : panels[i].locate(event);
    return at && { ...at, panel: i };
  };
  on(panelsBox, "pointermove", (e) => {
    const at = e.pointerType === "touch" ? null : located(e);
    if (!same(at, hover) || !at !== !hover) {
      hover = at;
      paint();
    }
  });
  on(panelsBox, "pointerleave", () => {
    if (hover) {
      hover = null;
      paint();
    }
  });
  on(panelsBox, "click", (e) => {
    const at = located(e);
    pin = !at || same(pin, at) ? null : at;
    if (at && cursor) cursor = at;
    paint();
  });
  on(panelsBox, "focusin", (e) => {
    const i = panelAt(e),
      token = e.target.closest(".tok"),
      was = cursor ?? pin ?? none;
    if (i >= 0) {
      cursor = token
        ? { q: null, k: null, [token.dataset.side]: +token.dataset.i, panel: i }
        : { q: was.q ?? 0, k: was.k ?? 0, panel: i };
      paint();
    }
  });
  on(panelsBox, "focusout", (e) => {
    if (!panelsBox.contains(e.relatedTarget)) {
      cursor = null;
      paint();
    }
  });
  on(panelsBox, "keydown", (e) => {
    if (!cursor || e.altKey || e.ctrlKey || e.metaKey) return;
    const n = items.length,
      matrix = get("view") === "matrix",
      side = cursor.k !== null && cursor.q === null ? "k" : "q",
      clamp = (i) => Math.max(0, Math.min(n - 1, i)),
      to = { ...cursor };
    const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1, Home: -n, End: n }[e.key];
    if (e.key === "Enter" || e.key === " ") pin = same(pin, cursor) ? null : { ...cursor };
    else if (e.key === "Escape") pin = null;
    else if (step === undefined) return;
    else if (matrix) {
      const key = /Up|Down/.test(e.key) ? "q" : "k";
      to[key] = clamp(to[key] + step);
    } else if (/Left|Right/.test(e.key)) {
      const other = step > 0 ? "k" : "q",
        i = cursor[side];
      to.q = to.k = null;
      to[other] = i;
    } else to[side] = clamp(to[side] + step);
    cursor = to;
    hover = null;
    paint(true);
    e.preventDefault();
    e.stopPropagation();
  });
  on(heads, "click", (e) => {
    const b = e.target.closest("button");
    if (b) choose(+b.dataset.i);
  });
  on(heads, "keydown", (e) => {
    const i = get("layer") * meta.heads + get("head"),
      j = i + ({ ArrowDown: meta.heads, ArrowUp: -meta.heads, ArrowRight: 1, ArrowLeft: -1 }[e.key] ?? NaN);
    if (j >= 0 && j < buttons.length) {
      choose(j);
      buttons[j].focus();
    }
    if (!Number.isNaN(j)) {
      e.preventDefault();
      e.stopPropagation();
    }
  });
  function choose(i) {
    model.set("layer", Math.floor(i / meta.heads));
    model.set("head", i % meta.heads);
    model.save_changes();
  }
  on(layerBox, "change", () => put("layer", +layerBox.value));
  on(headBox, "change", () => put("head", +headBox.value));
  on(measureBox, "change", () => put("measure", measureBox.value));
  on(details, "toggle", () => details.open && fillTable());
  on(form, "submit", (e) => {
    e.preventDefault();
    status.textContent = "Asking the kernel…";
    put("sentence", sentence.value);
  });
  const resize = new ResizeObserver(() => {
    if (panelsBox.clientWidth && Math.abs(panelsBox.clientWidth - width) > 2) {
      width = panelsBox.clientWidth;
      build();
    }
  });
  const handlers = {
    "change:layer": refresh,
    "change:head": refresh,
    "change:view": refresh,
    "change:measure": refresh,
    "change:merged": relabel,
    "change:show_special": relabel,
    "change:meta": async () => {
      await load();
      rebuildControls();
      relabel();
    },
    // only a live kernel answers the hello below: the form never shows on a published page or in a restored notebook
    "msg:custom": (message) => {
      if (message?.type === "alive" && message.compute) panelsBox.before(form);
      if (message?.type === "error") status.textContent = message.text;
    },
  };
  for (const [event, act] of Object.entries(handlers)) model.on(event, act);
  rebuildControls();
  regroup();
  refresh();
  followTheme(
    box,
    () => {
      build();
      thumbs();
    },
    signal,
  );
  resize.observe(panelsBox);
  model.send({ type: "hello" });
  return () => {
    quit.abort();
    resize.disconnect();
    for (const [event, act] of Object.entries(handlers)) model.off(event, act);
  };
}
export default { render };
