import assert from "node:assert/strict";
import { test } from "node:test";
import { nextEntry, nextHead, nextSpot, sameSpot } from "../../explaint_lib/widgets/js/keys.js";

test("in a matrix up and down change the row, left and right the column, and the edge holds", () => {
  const at = { q: 1, k: 2, panel: 1 };
  const go = (key) => nextSpot(at, key, 3, true);
  assert.deepEqual(go("ArrowDown"), { q: 2, k: 2, panel: 1 });
  assert.deepEqual(go("ArrowUp"), { q: 0, k: 2, panel: 1 });
  assert.deepEqual(go("ArrowRight"), { q: 1, k: 2, panel: 1 });
  assert.deepEqual(go("ArrowLeft"), { q: 1, k: 1, panel: 1 });
  assert.deepEqual(go("Home"), { q: 0, k: 2, panel: 1 });
  assert.deepEqual(go("End"), { q: 2, k: 2, panel: 1 });
});

test("among links left and right lead across to the same token", () => {
  assert.deepEqual(nextSpot({ q: 1, k: null }, "ArrowRight", 4, false), { q: null, k: 1 });
  assert.deepEqual(nextSpot({ q: null, k: 3 }, "ArrowLeft", 4, false), { q: 3, k: null });
  assert.deepEqual(nextSpot({ q: null, k: 3 }, "ArrowDown", 4, false), { q: null, k: 3 });
  assert.deepEqual(nextSpot({ q: null, k: 3 }, "Home", 4, false), { q: null, k: 0 });
});

test("other keys lead nowhere, whatever they are called", () => {
  for (const key of ["a", "Tab", "constructor", "toString"]) {
    assert.equal(nextSpot({ q: 0, k: 0 }, key, 3, true), null);
    assert.equal(nextHead(0, key, 3, 6), null);
    assert.equal(nextEntry(0, 0, key, [1]), null);
  }
});

test("among heads the edge of the grid holds", () => {
  assert.equal(nextHead(1, "ArrowDown", 3, 6), 4);
  assert.equal(nextHead(4, "ArrowDown", 3, 6), 4);
  assert.equal(nextHead(0, "ArrowLeft", 3, 6), 0);
  assert.equal(nextHead(2, "ArrowRight", 3, 6), 3);
});

test("between lists of different lengths the place is kept as far as the list goes", () => {
  assert.deepEqual(nextEntry(0, 4, "ArrowRight", [5, 2]), [1, 1]);
  assert.deepEqual(nextEntry(0, 0, "ArrowDown", [5, 2]), [0, 1]);
  assert.deepEqual(nextEntry(1, 1, "ArrowDown", [5, 2]), [1, 1]);
  assert.deepEqual(nextEntry(1, 0, "ArrowRight", [5, 2]), [2, -1]); // no such list, no such place
});

test("two spots are the same by what they point at", () => {
  assert.ok(sameSpot({ q: 1, k: null, panel: 0 }, { q: 1, k: null, panel: 1 }));
  assert.ok(sameSpot(null, null));
  assert.ok(!sameSpot({ q: 1, k: null }, { q: 1, k: 0 }));
  assert.ok(!sameSpot(null, { q: null, k: null }));
});
