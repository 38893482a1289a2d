// ---- share.js: what a reader sees, as a link on a page and as a piece of text in JupyterLab ----
const SHARED = "explaint-"; // then base64url of JSON: a fragment that is also a valid name, so that no theme stumbles over it
function writeState(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return SHARED + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
// The state in a link or a piece of text, or null.
function readState(text) {
  const found = text.match(/explaint-([\w-]+)\s*$/);
  if (!found) return null;
  try {
    const characters = atob(found[1].replaceAll("-", "+").replaceAll("_", "/"));
    const state = JSON.parse(new TextDecoder().decode(Uint8Array.from(characters, (c) => c.charCodeAt(0))));
    return state && typeof state === "object" && Array.isArray(state.views) ? state : null;
  } catch {
    return null;
  }
}
const figures = () => [...document.querySelectorAll("[data-explaint]")];
// Every figure of the page goes into the link; `at` is the one that the reader copied it from.
function pageState(figure) {
  return { at: figures().indexOf(figure), views: figures().map((f) => f.explaintView?.snapshot() ?? null) };
}
function followLink(figure) {
  const state = readState(location.hash),
    i = figures().indexOf(figure);
  if (!state?.views[i]) return;
  figure.explaintView.restore(state.views[i]);
  if (state.at === i) requestAnimationFrame(() => figure.scrollIntoView({ block: "start" }));
}
// A line to copy from and to paste into. `view` has snapshot() and restore(state).
function shareBox(view, onPage) {
  const line = html("input", {
    type: "text",
    spellcheck: "false",
    autocomplete: "off",
    "aria-label": onPage ? "Link to this view" : "This view as text",
  });
  const said = html("span", { class: "muted", role: "status" });
  let written = "";
  const fill = () => {
    const figure = view.box.getRootNode().host.closest("[data-explaint]");
    const here = { at: 0, views: [view.snapshot()] };
    line.value = onPage
      ? `${location.href.split("#")[0]}#${writeState(figure ? pageState(figure) : here)}`
      : writeState(here);
    written = line.value;
    said.textContent = "";
  };
  const copy = button("Copy", async () => {
    fill();
    line.select();
    try {
      await navigator.clipboard.writeText(line.value);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "Press Ctrl+C (⌘C) to copy the selected text."; // no permission, or an older browser
    }
  });
  const show = button("Go there", () => {
    const state = readState(line.value),
      kind = view.snapshot().kind,
      wanted = state && [state.views[state.at], ...state.views].find((v) => v?.kind === kind);
    if (wanted) view.restore(wanted);
    said.textContent = wanted ? "There it is." : "This is no view of a figure of this kind.";
  });
  const box = html(
    "details",
    { class: "share veil" },
    html("summary", {}, onPage ? "Link to this view" : "Keep this view"),
    html("div", { class: "bar" }, line, copy, show, said),
    html(
      "p",
      { class: "muted" },
      onPage
        ? "The link opens this page with every figure as it stands now. A link pasted here leads to its view."
        : "Copy the text into your notes; pasted here again, or in a colleague's notebook, it brings this view back.",
    ),
  );
  box.addEventListener("toggle", fill);
  line.addEventListener("focus", () => line.value === written && fill()); // the view may have changed since
  return box;
}
