/** Elements of the page. All text goes into it through these functions, as text. */

import { plain } from "./text.js";

/**
 * @typedef {string | number | boolean | null | undefined} Value
 * @typedef {Record<string, Value>} Props what is null, undefined or false is left out; true is an empty attribute
 * @typedef {Node | string | number} Part a node, or text
 */

/** @param {Part} part */
const plainly = (part) => (typeof part === "object" ? part : plain(String(part)));

/**
 * @template {Element} E
 * @param {E} element
 * @param {Record<string, unknown>} props
 */
export function set(element, props) {
  for (const [key, value] of Object.entries(props))
    element.setAttribute(key, key === "aria-label" || key === "title" ? plain(String(value)) : String(value));
  return element;
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Props} props
 * @param {readonly Part[]} children
 */
export function put(element, props, children) {
  const given = Object.entries(props).filter(([, value]) => value !== null && value !== undefined && value !== false);
  set(element, Object.fromEntries(given.map(([key, value]) => [key, value === true ? "" : value])));
  element.append(...children.map(plainly));
  return element;
}

/**
 * Replace what an element holds.
 *
 * @param {Element} element
 * @param {...Part} parts
 */
export const tell = (element, ...parts) => element.replaceChildren(...parts.map(plainly));

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Props} props
 * @param {...Part} children
 */
export const html = (tag, props = {}, ...children) => put(document.createElement(tag), props, children);

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Props} props
 * @param {...Part} children
 */
export const svg = (tag, props = {}, ...children) =>
  put(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);

/**
 * Return a set of radio buttons that looks like one control, and a function that shows a value in it.
 *
 * @template {string | number} V
 * @param {string} legend
 * @param {readonly (readonly [V, string])[]} choices
 * @param {(value: V) => void} choose
 * @returns {[HTMLFieldSetElement, (value: V) => void]}
 */
export function segmented(legend, choices, choose) {
  /** @type {Map<V, HTMLInputElement>} */
  const inputs = new Map();
  const box = html("fieldset", { class: "seg" }, html("legend", { class: "hidden" }, legend));
  for (const [value, text] of choices) {
    const input = html("input", { type: "radio", name: legend, value });
    input.addEventListener("change", () => choose(value));
    inputs.set(value, input);
    box.append(html("label", {}, input, text));
  }
  return [
    box,
    (value) => {
      for (const [v, input] of inputs) input.checked = v === value;
    },
  ];
}

/**
 * @param {string} text
 * @param {(checked: boolean) => void} choose
 * @returns {[HTMLLabelElement, HTMLInputElement]}
 */
export function checkbox(text, choose) {
  const input = html("input", { type: "checkbox" });
  input.addEventListener("change", () => choose(input.checked));
  return [html("label", {}, input, text), input];
}

/**
 * @param {string} text
 * @param {() => void} act
 * @param {Props} props
 */
export function button(text, act, props = {}) {
  const element = html("button", { type: "button", class: "button", ...props }, text);
  element.addEventListener("click", act);
  return element;
}

/**
 * Give the reader a file.
 *
 * @param {string} name
 * @param {string} type
 * @param {string} text
 */
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  html("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

const FONT = '13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif';
/** @type {CanvasRenderingContext2D | undefined} */
let pen;

/**
 * Return how wide a text is drawn, in pixels.
 *
 * @param {string} text
 */
export function widthOf(text) {
  pen ??= brushOf(html("canvas"));
  pen.font = FONT;
  return pen.measureText(text).width;
}

/**
 * Return a text cut to a width; by code point, so that an emoji is never cut in half.
 *
 * @param {string} text
 * @param {number} room
 */
export function fit(text, room) {
  if (widthOf(text.slice(0, 400)) <= room && text.length <= 400) return text;
  const points = Array.from(text.slice(0, 400));
  while (points.length > 1 && widthOf(`${points.join("")}…`) > room) points.pop();
  return `${points.join("")}…`;
}

/** @param {HTMLCanvasElement} canvas */
export function brushOf(canvas) {
  const brush = canvas.getContext("2d");
  if (!brush) throw new Error("this browser draws on no canvas");
  return brush;
}

/**
 * Return a function that makes several changes of state in one go one redraw.
 *
 * @param {() => void} act
 */
export function once(act) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      act();
    });
  };
}

/**
 * Return the element that an event is about.
 *
 * @param {Event} event
 */
export const targetOf = (event) => /** @type {Element} */ (event.target);
