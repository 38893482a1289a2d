// ---- static_shim.js: stands in for the kernel on a published page (same get/set/on/off/save_changes surface) ----
function makeModel(state) {
  const handlers = new Map(),
    changed = new Set();
  return {
    get: (key) => state[key],
    set(key, value) {
      if (state[key] !== value) {
        state[key] = value;
        changed.add(key);
      }
    },
    save_changes() {
      for (const key of [...changed]) {
        changed.delete(key);
        for (const f of handlers.get("change:" + key) ?? []) f();
      }
    },
    on(event, f) {
      handlers.set(event, [...(handlers.get(event) ?? []), f]);
    },
    off(event, f) {
      handlers.set(
        event,
        (handlers.get(event) ?? []).filter((g) => g !== f),
      );
    },
    send() {}, // nobody listens: controls that need a kernel never appear
    onPage: true,
  };
}
async function start(figure) {
  const mount = figure.querySelector(".ex-mount");
  try {
    const { state, buffers } = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    for (const [key, text] of Object.entries(buffers)) state[key] = window.explaintBytes(text);
    figure.explaintView = await open({ model: makeModel(state), el: mount });
    figure.setAttribute("data-explaint-ready", ""); // hides the static picture
    followLink(figure);
  } catch (error) {
    figure.setAttribute("data-explaint-error", String(error));
    complain(mount, error); // the static picture stays
  }
}
function boot() {
  for (const figure of document.querySelectorAll('[data-explaint="__KIND__"]:not([data-explaint-started])')) {
    figure.setAttribute("data-explaint-started", "");
    start(figure);
    addEventListener("hashchange", () => figure.explaintView && followLink(figure));
  }
}
boot();
