/** What a reader points at, with the mouse, a finger or the keyboard; the same spot is marked in every panel. */

import { tokenOf } from "./attention_links.js";
import { targetOf } from "./dom.js";
import { NONE, nextSpot, sameSpot } from "./keys.js";

/**
 * @typedef {import("./attention.js").AttentionView} AttentionView
 * @typedef {import("./types.d.ts").Spot} Spot
 */

/** @param {AttentionView} view */
export function listenToReader(view) {
  const { panelsBox } = view.controls;
  const { signal } = view.quit;
  panelsBox.addEventListener(
    "pointermove",
    (e) => pointAt(view, e.pointerType === "touch" ? null : spotUnder(view, e)),
    { signal },
  );
  panelsBox.addEventListener("pointerleave", () => pointAt(view, null), { signal });
  panelsBox.addEventListener(
    "click",
    (e) => {
      const spot = spotUnder(view, e);
      view.pin = !spot || sameSpot(view.pin, spot) ? null : spot;
      if (spot && view.cursor) view.cursor = spot;
      view.paint();
    },
    { signal },
  );
  panelsBox.addEventListener("focusin", (e) => focusAt(view, e), { signal });
  panelsBox.addEventListener(
    "focusout",
    (e) => {
      if (panelsBox.contains(/** @type {Node | null} */ (e.relatedTarget))) return;
      view.cursor = null;
      view.paint();
    },
    { signal },
  );
  panelsBox.addEventListener("keydown", (e) => key(view, e), { signal });
}

/**
 * Return the token or the pair of tokens under the pointer, and in which panel.
 *
 * @param {AttentionView} view
 * @param {MouseEvent} event
 * @returns {Spot | null}
 */
function spotUnder(view, event) {
  const panel = panelOf(view, event);
  const spot = view.panels[panel]?.locate(event) ?? null;
  return spot && { ...spot, panel };
}

/**
 * @param {AttentionView} view
 * @param {Event} event
 */
function panelOf(view, event) {
  return view.panels.findIndex((p) => p.svg.contains(targetOf(event)));
}

/**
 * @param {AttentionView} view
 * @param {Spot | null} spot
 */
function pointAt(view, spot) {
  if (sameSpot(spot, view.hover)) return;
  view.hover = spot;
  view.paint();
}

/**
 * @param {AttentionView} view
 * @param {Event} event
 */
function focusAt(view, event) {
  const panel = panelOf(view, event);
  if (panel < 0) return;
  const was = view.cursor ?? view.pin ?? NONE;
  view.cursor = { ...(tokenOf(event) ?? { q: was.q ?? 0, k: was.k ?? 0 }), panel };
  view.paint();
}

/**
 * @param {AttentionView} view
 * @param {KeyboardEvent} event
 */
function key(view, event) {
  const { cursor } = view;
  if (!cursor || event.altKey || event.ctrlKey || event.metaKey) return;
  const next = nextSpot(cursor, event.key, view.maps.items.length, view.get("view") === "matrix");
  if (event.key === "Enter" || event.key === " ") view.pin = sameSpot(view.pin, cursor) ? null : { ...cursor };
  else if (event.key === "Escape") view.pin = null;
  else if (!next) return;
  view.cursor = next ?? { ...cursor };
  view.hover = null;
  view.paint(true);
  event.preventDefault();
  event.stopPropagation();
}
