// What scrolls sideways can be reached with the keyboard: the theme sees to code, outputs and tables, this to formulas.
(() => {
  const reach = () => {
    for (const formula of document.querySelectorAll("div.math")) {
      if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
  };
  addEventListener("load", reach);
  addEventListener("resize", reach);
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
