import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsOf, worldOf } from "../../explaint_lib/widgets/js/nulls_data.js";
import { randomOf, shuffle } from "../../explaint_lib/widgets/js/nulls_draws.js";
import { marks } from "../../explaint_lib/widgets/js/nulls_picture.js";
import { ruleName, wordsWith } from "../../explaint_lib/widgets/js/nulls_rules.js";
import { cutOf, permutationP } from "../../explaint_lib/widgets/js/nulls_scores.js";
import { controlTexts, missed, ownTexts } from "../../explaint_lib/widgets/js/nulls_texts.js";

test("the cut breaks ties by expectation, also where an equal value was pushed out", () => {
  assert.deepEqual(cutOf(Float64Array.of(3, 1, 1, 0), 2), [1, 0.5]);
  assert.deepEqual(cutOf(Float64Array.of(1, 1, 1, 2), 2), [1, 1 / 3]);
  assert.deepEqual(cutOf(Float64Array.of(1, 2, 2, 3, 4), 3), [2, 0.5]);
  assert.deepEqual(cutOf(Float64Array.of(5, 4, 3), 2), [4, 1]);
  assert.deepEqual(cutOf(Float64Array.of(0, 0, 0, 0), 2), [0, 0.5]);
});

test("p counts the observed score among its draws, and an equal one against it", () => {
  assert.equal(permutationP(0.3, [0.1, 0.2, 0.25, 0.4]), 0.4);
  assert.equal(permutationP(0.3, [0.1, 0.1 + 0.2]), 2 / 3);
  assert.equal(permutationP(0.3, new Array(199).fill(0)), 1 / 200);
});

test("a seed gives the same draws, another seed or draw gives others, and all places come up", () => {
  const stream = (seed, draw) => Array.from({ length: 5 }, randomOf(seed, draw));
  assert.deepEqual(stream(1, 0), stream(1, 0));
  assert.notDeepEqual(stream(1, 0), stream(1, 1));
  assert.notDeepEqual(stream(1, 0), stream(2, 0));
  const random = randomOf(0, 0),
    first = [0, 0, 0, 0];
  for (let i = 0; i < 4000; i++) first[shuffle([0, 1, 2, 3], random)[0]]++;
  assert.ok(
    first.every((count) => Math.abs(count - 1000) < 120),
    String(first),
  ); // four standard errors
});

test("rules find the words that they name, and say what they lack", () => {
  const words = ["Owl", "robin", "bat", "banjo"];
  assert.deepEqual(wordsWith("begins", "b", words, 1), [false, false, true, true]);
  assert.deepEqual(wordsWith("begins", "o, r", words, 1), [true, true, false, false]);
  assert.deepEqual(wordsWith("longer", "3", words, 1), [false, true, false, true]);
  assert.deepEqual(wordsWith("listed", "bat, OWL", words, 1), [true, false, true, false]);
  assert.equal(wordsWith("begins", " , ", words, 1), null);
  assert.equal(wordsWith("longer", "many", words, 1), null);
  assert.equal(wordsWith("constructor", "a", words, 1), null);
  assert.equal(ruleName("begins", "b"), "“words that begin with b”");
});

test("what is said follows from the draws", () => {
  assert.equal(missed(0.3, 0.301), "just where you said");
  assert.equal(missed(0.3, 0.1), "0.20 lower than you said");
  const outcome = { guess: 0.2, observed: 0.3, drawn: new Array(199).fill(0.1), seed: 1 };
  const texts = controlTexts("f1", "rewired", outcome);
  assert.match(texts[0], /You said 0\.20; with rewired norms the score lands at 0\.10 on average, 0\.10 lower/);
  assert.match(texts[1], /None of 199 draws .* = 0\.005, the smallest p that 199 draws can give/);
  assert.match(
    texts[2],
    /needs more than what a map learns from rewired norms \(33% of the score; the constant may reach more\)\./,
  );
  const none = controlTexts("f1", "rewired", { ...outcome, drawn: new Array(99).fill(0.3) });
  assert.match(none[1], /99 of 99 draws .* = 1, the smallest possible is 0\.01/);
  assert.match(none[2], /shows no more than/);
  assert.match(controlTexts("f1", "rewired", { ...outcome, drawn: [0.1] }).at(-1), /Draw at least 19 times/);
  assert.match(controlTexts("f1", "constant", { ...outcome, drawn: [0.15] })[1], /50% of this score needs no vector/);
  assert.match(ownTexts("x", outcome, 0.9).at(-1), /contain this feature/);
  assert.match(ownTexts("x", { ...outcome, drawn: new Array(99).fill(0.4) }, 0.9).at(-1), /do not show/);
});

test("a payload that is too short is refused", () => {
  const meta = { n: 2, p: 1, m: 3, folds: [0, 1], kinds: [0, 0], penalty: 1 };
  const cells = Uint8Array.of(1, 0, 1, 0, 2, 0, 0, 0, 7, 9);
  const world = worldOf(meta, Uint8Array.of(1, 2), cells);
  assert.deepEqual([...world.norms.column], [2, 0]);
  assert.deepEqual([...world.norms.value], [7, 9]);
  assert.throws(() => worldOf(meta, Uint8Array.of(1), cells), /expected vectors of 2 x 1/);
  assert.throws(() => worldOf(meta, Uint8Array.of(1, 2), cells.slice(1)), /expected/);
  assert.throws(() => worldOf({ ...meta, m: 2 }, Uint8Array.of(1, 2), cells), /expected 2 features, found number 2/);
  assert.deepEqual([...rowsOf(2, 3, [1, 0], [0, 2], [9, 7]).column], [2, 0]);
});

test("an axis has marks from end to end", () => {
  assert.deepEqual(
    marks(0, 0.5).map((at) => at.toFixed(1)),
    ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"],
  );
  assert.deepEqual(
    marks(0.2, 1).map((at) => at.toFixed(1)),
    ["0.2", "0.4", "0.6", "0.8", "1.0"],
  );
});
