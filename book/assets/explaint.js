// What scrolls sideways can be reached with the keyboard: the theme sees to code and outputs, this to formulas and tables,
// whose width is known only when the fonts are there.
(() => {
  const reach = () => {
    for (const wide of document.querySelectorAll("div.math, .pst-scrollable-table-container")) {
      if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
      else wide.removeAttribute("tabindex");
    }
  };
  addEventListener("load", reach);
  addEventListener("resize", reach);
  document.fonts.ready.then(reach);
})();

// One switch for the code of all chapters: hidden at first on a phone, shown elsewhere, then as the reader left it.
(() => {
  const NAME = "explaint-code";
  const kept = () => {
    try { return localStorage.getItem(NAME); } catch { return null; } // a reader may forbid it
  };
  const keep = (value) => {
    try { localStorage.setItem(NAME, value); } catch { /* then for this page alone */ }
  };
  addEventListener("DOMContentLoaded", () => {
    const code = [...document.querySelectorAll(".bd-article .cell > :is(.cell_input, details:has(> .cell_input))")];
    const bar = document.querySelector(".article-header-buttons");
    if (!code.length || !bar) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm code-switch";
    const show = (shown) => {
      for (const part of code) part.hidden = !shown;
      button.textContent = shown ? "Hide code" : "Show code";
    };
    const wanted = kept();
    show(wanted ? wanted === "shown" : !matchMedia("(max-width: 768px)").matches);
    button.addEventListener("click", () => {
      const shown = button.textContent === "Show code";
      show(shown);
      keep(shown ? "shown" : "hidden");
    });
    bar.prepend(button);
  });
})();
