/** Text that others wrote, made fit to stand among ours, in a page, a spreadsheet or a file's name. Pure functions. */

/**
 * Return a text with what would act, hide or turn the line around written as an escape (Python's `printable`).
 *
 * Line feeds do nothing in HTML; the two joiners stay after a letter beyond ASCII, where a script needs them.
 *
 * @param {string} text
 */
export const plain = (text) =>
  text.replace(
    /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu,
    (/** @type {string} */ character, /** @type {number} */ at) => {
      if (/[\u200c\u200d]/.test(character) && text.charCodeAt(at - 1) > 127) return character;
      const code = Number(character.codePointAt(0));
      const [mark, digits] = code < 256 ? ["x", 2] : code < 65536 ? ["u", 4] : ["U", 8];
      return `\\${mark}${code.toString(16).padStart(Number(digits), "0")}`;
    },
  );

/** @param {string} text */
export const short = (text) => (text.length > 200 ? `${Array.from(text.slice(0, 200)).slice(0, -1).join("")}…` : text);

/**
 * Return a token as a picture can show it: its spaces and line ends as signs, nothing as ∅.
 *
 * @param {string} text
 */
export const visible = (text) =>
  plain(
    short(text)
      .replace(/[\r\n\u2028\u2029]/g, "↵")
      .replace(/\t/g, "⇥")
      .replace(/^ +$/, "␣"),
  ) || "∅";

/**
 * Return a row of a CSV file.
 *
 * A spreadsheet would compute a text that begins like a formula: it gets an apostrophe in front, and so does one that
 * begins with an apostrophe, so that taking one away gives the text back.
 *
 * @param {readonly unknown[]} cells
 */
export const csvRow = (cells) =>
  `${cells
    .map((c) => (typeof c === "string" ? c.replace(/^[=+\-@\t\r\n＝＋－＠']/, "'$&") : String(c)))
    .map((c) => (/[",\r\n\u2028\u2029]/.test(c) ? `"${c.replaceAll('"', '""')}"` : c))
    .join(",")}\r\n`;

/** @param {readonly (readonly unknown[])[]} rows */
export const csvFile = (rows) => `\ufeff${rows.map(csvRow).join("")}`;

/**
 * Return what of a name may stand in the name of a file.
 *
 * @param {string} text
 */
export const fileSafe = (text) => text.replace(/[^\p{L}\p{N}]+/gu, "_").slice(0, 60);
