// What style alone cannot do for a link to the glossary: Escape closes the sentence, the first tap of a finger opens it
// instead of following the link, and no sentence leaves the window or is cut off by a table that scrolls.
(() => {
  let touched = false;

  function place(term) {
    const tip = term.querySelector(".tip");
    const at = term.getBoundingClientRect();
    tip.style.position = "fixed";
    tip.style.top = `${at.bottom}px`;
    tip.style.left = "0";
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(at.left, room))}px`;
    if (at.bottom + tip.offsetHeight > window.innerHeight) tip.style.top = `${at.top - tip.offsetHeight}px`;
  }

  function shut(except) {
    for (const term of document.querySelectorAll(".term")) if (term !== except) term.classList.remove("open");
  }

  for (const term of document.querySelectorAll(".term")) {
    for (const kind of ["pointerenter", "focusin"]) term.addEventListener(kind, () => place(term));
    for (const kind of ["pointerleave", "focusout"]) term.addEventListener(kind, () => term.classList.remove("shut"));
    term.addEventListener("pointerdown", (event) => { touched = event.pointerType === "touch"; });
    term.querySelector("a").addEventListener("click", (event) => {
      if (!touched || term.classList.contains("open")) return;
      event.preventDefault();
      term.classList.add("open");
      place(term);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    shut();
    for (const term of document.querySelectorAll(".term:is(:hover, :focus-within)")) term.classList.add("shut");
  });
  document.addEventListener("pointerdown", (event) => shut(event.target.closest(".term")));
  document.addEventListener("scroll", () => {
    for (const term of document.querySelectorAll(".term:is(:hover, :focus-within, .open)")) place(term);
  }, { passive: true, capture: true });
})();
