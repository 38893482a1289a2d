// ---- static_start.js: on a published page, unpacks the module that stands compressed beside this script, and starts it ----
(async () => {
  const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=.?@^_`{|}~";
  const value = new Map([...DIGITS].map((character, i) => [character, i]));
  // inverse of _base.text85: five digits are four bytes; what is missing from the last five was padding
  window.explaintBytes = (text) => {
    const count = Math.ceil(text.length / 5),
      out = new DataView(new ArrayBuffer(4 * count)),
      padded = text.padEnd(5 * count, "~");
    for (let i = 0; i < count; i++) {
      let number = 0;
      for (let j = 5 * i; j < 5 * i + 5; j++) number = 85 * number + (value.get(padded[j]) ?? NaN);
      if (!(number < 2 ** 32)) throw new Error("the compressed data is damaged");
      out.setUint32(4 * i, number);
    }
    return new Uint8Array(out.buffer, 0, 4 * count - (padded.length - text.length));
  };
  for (const figure of document.querySelectorAll("[data-explaint]:not([data-explaint-code])")) {
    figure.setAttribute("data-explaint-code", "");
    try {
      const packed = window.explaintBytes(figure.querySelector(':scope > script[type="text/plain"]').textContent),
        code = document.createElement("script");
      const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
      code.textContent = await new Response(stream).text();
      figure.append(code); // a classic script runs at once
    } catch (error) {
      figure.setAttribute("data-explaint-error", String(error)); // the static picture stays
      const note = document.createElement("p");
      note.setAttribute("role", "alert");
      note.textContent = "This interactive figure could not be drawn: its program is damaged, or this browser is too old.";
      figure.querySelector(".ex-mount").append(note);
    }
  }
})();
