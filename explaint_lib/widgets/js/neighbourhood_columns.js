/** One list of neighbours: its name, its scores beside chance, and its words. */

import { html, svg } from "./dom.js";
import { LETTERS } from "./guess.js";
import { corners, pointsOf, swatch } from "./neighbourhood_lists.js";
import { short, visible } from "./text.js";

/** @typedef {import("./neighbourhood.js").NeighbourhoodView} NeighbourhoodView */

/**
 * Return name and condition of each column; while the reader guesses, the lists as they were dealt.
 *
 * @param {NeighbourhoodView} view
 * @returns {[string, number][]}
 */
export function shownColumns(view) {
  const { dealt, lists } = view;
  if (!dealt) return lists.conditions.map((name, c) => [name, c]);
  const letters = dealt.order.map(
    (c, slot) =>
      /** @type {[string, number]} */ ([`List ${LETTERS[slot]}${dealt.named ? `: ${lists.conditions[c]}` : ""}`, c]),
  );
  return dealt.named && !dealt.order.includes(0) ? [[lists.conditions[0], 0], ...letters] : letters;
}

/**
 * @param {NeighbourhoodView} view
 * @param {string} name
 * @param {number} c
 */
export function columnOf(view, name, c) {
  const { lists, self, blind } = view,
    list = lists.near(c, self),
    hits = view.hits(list),
    kin = lists.kinCount(self, list),
    control = lists.controls.includes(lists.conditions[c]) && !blind;
  let verdict = c === 0 ? "the reference" : `${hits} of ${lists.k} shared with ${lists.conditions[0]}`;
  if (!list.length) verdict = "no vector, so no neighbours";
  const shown = view.map && !blind && lists.conditions[c] === view.model.get("shown"),
    muted = (/** @type {string} */ text) => html("span", { class: "muted" }, text),
    own = blind ? null : lists.categories?.[self];
  const classes = ["column", c === 0 && !blind ? "gold" : "", shown ? "shown" : "", control ? "control" : ""];
  return html(
    "div",
    { role: "group", class: classes.filter(Boolean).join(" "), "aria-label": name },
    html(
      "p",
      { class: "name" },
      control ? html("span", { "aria-hidden": "true" }, "▲ ") : "",
      name,
      control ? html("span", { class: "hidden" }, ", a control") : "",
    ),
    muted(blind && list.length ? "" : verdict),
    c === 0 || blind
      ? html("span")
      : scoreOf(lists.k, hits, lists.meta.overlap[c], lists.chance, `shared with ${lists.conditions[0]}`),
    own
      ? html(
          "span",
          { class: "muted" },
          view.model.get("colours") && lists.style(self) ? swatch(lists.style(self)) : "◆ ",
          `${kin} of ${lists.k}: ${short(own)}`,
        )
      : html("span"),
    own ? scoreOf(lists.k, kin, lists.kinMean[c], lists.kinChance, "of the same category", "kin") : html("span"),
    html("ol", {}, ...list.map((j, rank) => entryOf(view, j, rank, c))),
  );
}

/**
 * @param {NeighbourhoodView} view
 * @param {number} j
 * @param {number} rank
 * @param {number} c
 */
function entryOf(view, j, rank, c) {
  const { lists, blind } = view,
    hit = c > 0 && !blind && view.gold.has(j),
    kin = !blind && lists.kin(view.self, j),
    coloured = !blind && view.model.get("colours") && lists.categories !== null,
    marks = html("span", { class: "marks", "aria-hidden": "true" });
  if (hit) marks.append(html("span", { title: `also near under ${lists.conditions[0]}` }, "✓"));
  if (kin && !(coloured && lists.style(j))) marks.append(html("span", { class: "kin", title: "same category" }, "◆"));
  const spoken = `${hit ? `, also near under ${lists.conditions[0]}` : ""}${kin ? ", same category" : ""}${coloured && !kin ? lists.category(j) : ""}`;
  const go = html(
    "button",
    { type: "button", "data-j": j },
    ...(coloured ? [swatch(lists.style(j))] : []),
    html("span", {}, visible(lists.words[j])),
    html("span", { class: "hidden" }, spoken),
  );
  return html(
    "li",
    { class: hit ? "hit" : "", "data-j": j },
    html("span", { "aria-hidden": "true" }, rank + 1),
    go,
    marks,
  );
}

/**
 * Return this word, all words and chance on one axis from 0 to k.
 *
 * @param {number} k
 * @param {number} hits
 * @param {number} mean
 * @param {number} chance
 * @param {string} what
 * @param {string} name
 */
function scoreOf(k, hits, mean, chance, what, name = "") {
  const x = (/** @type {number} */ share) => 6 + 128 * share;
  const says = `${hits} of ${k}; all words ${(k * mean).toFixed(1)}; chance ${(k * chance).toFixed(2)}`;
  const tick = (/** @type {number} */ share, /** @type {number} */ y1, /** @type {number} */ y2, kind = "axis") =>
    svg("line", { class: kind, x1: x(share), x2: x(share), y1, y2 });
  return svg(
    "svg",
    {
      class: `score ${name}`,
      viewBox: "0 0 140 30",
      preserveAspectRatio: "xMinYMid meet",
      role: "img",
      "aria-label": `Neighbours ${what}: ${says}`,
    },
    svg("title", {}, says),
    svg("line", { class: "axis", x1: x(0), x2: x(1), y1: 11, y2: 11 }),
    tick(0, 8, 14),
    tick(1, 8, 14),
    tick(chance, 3, 19, "chance"),
    tick(mean, 3, 19, "mean"),
    name
      ? svg("polygon", { class: "this", points: pointsOf(corners(2, x(hits / k), 11, 6)) })
      : svg("circle", { class: "this", cx: x(hits / k), cy: 11, r: 5 }),
    svg("text", { x: 2, y: 29 }, "0"),
    svg("text", { x: 140, y: 29, "text-anchor": "end" }, k),
  );
}
