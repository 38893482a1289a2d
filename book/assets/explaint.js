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
