/** A widget's life: with a kernel (anywidget calls `render`), and on a published page without one. */

import { bytes85 } from "./bytes.js";
import { complain } from "./frame.js";
import { followLink } from "./share.js";

/**
 * @typedef {import("./types.d.ts").Context} Context
 * @typedef {import("./types.d.ts").Figure} Figure
 * @typedef {import("./types.d.ts").Message} Message
 * @typedef {import("./types.d.ts").Model} Model
 * @typedef {import("./types.d.ts").View} View
 */

/**
 * Stand in for the kernel: the same surface as anywidget's model, and nobody behind it.
 *
 * @param {Record<string, unknown>} state
 * @returns {Model}
 */
export function makeModel(state) {
  /** @type {Map<string, ((message?: Message) => void)[]>} */
  const handlers = new Map();
  /** @type {Set<string>} */
  const changed = new Set();
  return {
    get: (key) => state[key],
    set(key, value) {
      if (state[key] === value) return;
      state[key] = value;
      changed.add(key);
    },
    save_changes() {
      for (const key of [...changed]) {
        changed.delete(key);
        for (const act of handlers.get(`change:${key}`) ?? []) act();
      }
    },
    on(event, act) {
      handlers.set(event, [...(handlers.get(event) ?? []), act]);
    },
    off(event, act) {
      handlers.set(
        event,
        (handlers.get(event) ?? []).filter((other) => other !== act),
      );
    },
    send() {}, // nobody listens: controls that need a kernel never appear
    onPage: true,
  };
}

/**
 * Return what a widget's module exports.
 *
 * @param {(context: Context) => Promise<View>} open draws the widget
 */
export const living = (open) => ({
  /**
   * Draw the widget of a kernel.
   *
   * @param {Context} context
   */
  async render(context) {
    try {
      const view = await open(context);
      return () => view.close();
    } catch (error) {
      complain(context.el, error);
    }
  },

  /**
   * Draw the widget of a figure on a page: its state stands beside it.
   *
   * @param {Figure} figure
   */
  async start(figure) {
    const mount = /** @type {HTMLElement} */ (figure.querySelector(".ex-mount"));
    addEventListener("hashchange", () => figure.explaintView && followLink(figure));
    try {
      const written = figure.querySelector('script[type="application/json"]')?.textContent ?? "";
      const { state, buffers } = JSON.parse(written);
      for (const [key, text] of Object.entries(buffers)) state[key] = bytes85(text);
      figure.explaintView = await open({ model: makeModel(state), el: mount });
      figure.setAttribute("data-explaint-ready", ""); // hides the static picture
      followLink(figure);
    } catch (error) {
      figure.setAttribute("data-explaint-error", String(error));
      complain(mount, error); // the static picture stays
    }
  },
});
