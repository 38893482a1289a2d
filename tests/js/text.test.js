import assert from "node:assert/strict";
import { test } from "node:test";
import { put, set, tell } from "../../explaint_lib/widgets/js/dom.js";
import { csvFile, csvRow, fileSafe, plain, short, visible } from "../../explaint_lib/widgets/js/text.js";

test("what would act, hide or turn the line around is written as an escape", () => {
  assert.equal(plain("a\u202eb\u0000\u200b"), "a\\u202eb\\x00\\u200b");
  assert.equal(plain("\u{e0041}\ud800"), "\\U000e0041\\ud800");
  assert.equal(plain("line\nbreak 日本 é"), "line\nbreak 日本 é");
});

test("the two joiners stay after a letter beyond ASCII, where a script needs them", () => {
  assert.equal(plain("👩\u200d🔬 می\u200cخواهم"), "👩\u200d🔬 می\u200cخواهم");
  assert.equal(plain("a\u200db"), "a\\u200db");
});

test("a token of white space is seen, and so is an empty one", () => {
  assert.deepEqual(["", "  ", "a b", "\t", "\r\n", "\u2028"].map(visible), ["∅", "␣", "a b", "⇥", "↵↵", "↵"]);
});

test("a long text is cut, and no pair of surrogates with it", () => {
  assert.equal(short("x".repeat(200)), "x".repeat(200));
  assert.equal(short(`${"x".repeat(199)}👩x`), `${"x".repeat(199)}…`);
});

test("a CSV cell is no formula, and its quotes close", () => {
  assert.equal(csvRow(["=1+1", "'a", 'say "x"', "a,b", -1, true]), `'=1+1,''a,"say ""x""","a,b",-1,true\r\n`);
  assert.equal(csvFile([["a"], ["b"]]), "\ufeffa\r\nb\r\n");
});

test("a file's name holds letters, digits and underscores, 60 at most", () => {
  assert.equal(fileSafe("../ä b</c>"), "_ä_b_c_");
  assert.equal(fileSafe("x".repeat(99)).length, 60);
});

/** An element that notes what is done to it. */
function noting() {
  const element = { attributes: {}, children: [] };
  element.setAttribute = (key, value) => {
    element.attributes[key] = value;
  };
  element.append = (...children) => element.children.push(...children);
  element.replaceChildren = (...children) => {
    element.children = children;
  };
  return element;
}

test("text goes into the page as text, made plain; nodes go as they are", () => {
  const node = { nodeType: 1 };
  const element = put(noting(), { class: "x" }, ["<b>\u202e", node, 0]);
  assert.deepEqual(element.children, ["<b>\\u202e", node, "0"]);
  tell(element, "\u0007", node);
  assert.deepEqual(element.children, ["\\x07", node]);
});

test("attributes that are off are left out, and what a reader hears is made plain", () => {
  const props = {
    a: null,
    b: undefined,
    c: false,
    d: true,
    e: 0,
    "aria-label": "\u202e",
    title: "\u202e",
    value: "\u202e",
  };
  const { attributes } = put(noting(), props, []);
  assert.deepEqual(attributes, { d: "", e: "0", "aria-label": "\\u202e", title: "\\u202e", value: "\u202e" });
  assert.equal(set(noting(), { "aria-pressed": false }).attributes["aria-pressed"], "false");
});
