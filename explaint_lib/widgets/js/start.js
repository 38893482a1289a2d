/** On a published page: unpacks the widget's module that stands compressed beside this script, and starts it. */

import { bytes85, inflate } from "./bytes.js";

/** @param {Element} figure */
async function start(figure) {
  figure.setAttribute("data-explaint-started", "");
  let address = "";
  try {
    const packed = figure.querySelector(':scope > script[type="text/plain"]')?.textContent ?? "";
    const code = await inflate(bytes85(packed));
    address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const { default: widget } = await import(address);
    await widget.start(figure);
  } catch (error) {
    figure.setAttribute("data-explaint-error", String(error)); // the static picture stays
    const note = document.createElement("p");
    note.setAttribute("role", "alert");
    note.textContent =
      "This interactive figure could not be drawn: its program is damaged, or this browser is too old.";
    figure.querySelector(".ex-mount")?.append(note);
  } finally {
    URL.revokeObjectURL(address);
  }
}

for (const figure of document.querySelectorAll("[data-explaint]:not([data-explaint-started])")) start(figure);
