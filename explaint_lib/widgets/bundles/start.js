// explaint_lib/widgets/js/bytes.js
var DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=.?@^_`{|}~";
var VALUES = new Map([...DIGITS].map((character, i) => [character, i]));
function bytes85(text) {
  const count = Math.ceil(text.length / 5);
  const out = new DataView(new ArrayBuffer(4 * count));
  const padded = text.padEnd(5 * count, "~");
  for (let i = 0; i < count; i++) {
    let number = 0;
    for (let j = 5 * i; j < 5 * i + 5; j++) number = 85 * number + (VALUES.get(padded[j]) ?? NaN);
    if (!(number < 2 ** 32)) throw new Error("the compressed data is damaged");
    out.setUint32(4 * i, number);
  }
  return new Uint8Array(out.buffer, 0, 4 * count - (padded.length - text.length));
}
var asBytes = (value) => value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
async function inflate(value) {
  if (typeof DecompressionStream === "undefined")
    throw new Error("this browser is too old: it has no DecompressionStream");
  const stream = new Blob([asBytes(value)]).stream().pipeThrough(new DecompressionStream("deflate"));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Error("the compressed data is damaged");
  }
}

// explaint_lib/widgets/js/start.js
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
    figure.setAttribute("data-explaint-error", String(error));
    const note = document.createElement("p");
    note.setAttribute("role", "alert");
    note.textContent = "This interactive figure could not be drawn: its program is damaged, or this browser is too old.";
    figure.querySelector(".ex-mount")?.append(note);
  } finally {
    URL.revokeObjectURL(address);
  }
}
for (const figure of document.querySelectorAll("[data-explaint]:not([data-explaint-started])")) start(figure);
