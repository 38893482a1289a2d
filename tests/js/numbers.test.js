import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { AttentionMaps, asMap } from "../../explaint_lib/widgets/js/attention_map.js";
import { bestRule, ranked, withoutEyes } from "../../explaint_lib/widgets/js/attention_rules.js";
import { bytes85, inflate, unpackSmall } from "../../explaint_lib/widgets/js/bytes.js";
import { rgb } from "../../explaint_lib/widgets/js/frame.js";
import { asPercent, chanceOf, shuffled } from "../../explaint_lib/widgets/js/guess.js";
import { COLOURS, kindStyle, NeighbourLists, SHAPES } from "../../explaint_lib/widgets/js/neighbourhood_lists.js";
import { makeModel } from "../../explaint_lib/widgets/js/page.js";
import { isPlace, readState, writeState } from "../../explaint_lib/widgets/js/share.js";

const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

// -- bytes --

test("packed numbers come back, those above 2 from the overflow; a short or a long payload is refused", async () => {
  // 0 1 2 | 7 0: four to a byte, low bits first, 3 = one byte more
  const packed = deflateSync(Uint8Array.of(0b11_10_01_00, 0, 7 - 3));
  assert.deepEqual([...(await unpackSmall(packed, 5))], [0, 1, 2, 7, 0]);
  await assert.rejects(unpackSmall(deflateSync(Uint8Array.of(0, 0, 4)), 5), /expected 2 bytes of payload, found 3/);
  await assert.rejects(inflate(Uint8Array.of(1, 2, 3)), /damaged/);
});

test("text of 85 digits is bytes again, and what is none is refused", () => {
  // as _base.text85 writes them
  assert.deepEqual([...bytes85("0009D{{")], [0, 0, 3, 10, 255]);
  assert.deepEqual([...bytes85("JSIM9Wo:G3")], [...Buffer.from("<&>hello")]);
  assert.deepEqual([...bytes85("")], []);
  assert.throws(() => bytes85("~~~~~"), /damaged/); // more than four bytes hold
  assert.throws(() => bytes85("0000\n"), /damaged/);
});

// -- maps --

/** Two heads over three tokens, a causal map stored in hundredths. */
function maps(levels, meta = {}) {
  const all = {
    layers: 1,
    heads: 2,
    n: 3,
    tokens: ["[CLS]", "Ġro", "bin"],
    special: [true, false, false],
    word_ids: [-1, 0, 0],
    words: ["robin"],
    name: "real",
    control: null,
    summaries: [],
    head_names: null,
    stored: { steps: [0.01, 0.01], rows_sum: true, causal: true },
    control_stored: null,
    identity: {
      cosine: [
        [100, 80, 60],
        [50, 50, 50],
      ],
    },
    control_identity: null,
    ...meta,
  };
  // stored (head, key, query)
  const data = new Uint8Array(18);
  for (const [h, head] of levels.entries())
    for (const [q, row] of head.entries()) for (const [k, level] of row.entries()) data[h * 9 + k * 3 + q] = level;
  return new AttentionMaps(all, [asMap("real", "●", "--real", all.identity, all.stored, data)]);
}
const LEVELS = [
  [
    [100, 0, 0],
    [40, 60, 0],
    [20, 30, 50],
  ],
  [
    [100, 0, 0],
    [100, 0, 0],
    [0, 99, 0],
  ],
];

test("the weight of a query on a key stands where it was stored", () => {
  const m = maps(LEVELS);
  near(m.full(m.list[0], 0, 0, "")[2 * 3 + 1], 0.3);
  near(m.full(m.list[0], 0, 0, "max")[2 * 3 + 1], 0.99);
});

/** Two maps, of `layers` x `heads` pictures of three rows each: [own, other]. */
function pair(own, other, heads) {
  const list = [own, other].map((pictures) => ({ pictures }));
  return {
    meta: { layers: own.length / heads, heads },
    items: [0, 1, 2],
    list,
    matrix: (map, layer, head) => Float32Array.from(map.pictures[layer * heads + head]),
  };
}
const DIAGONAL = [0.8, 0.1, 0.1, 0.1, 0.8, 0.1, 0.1, 0.1, 0.8];
const COLUMN = [0.8, 0.1, 0.1, 0.8, 0.1, 0.1, 0.8, 0.1, 0.1];
const PALE = [0.8, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];

test("the rule without eyes is the one that finds the first map most often, also turned round", () => {
  const tells = pair([DIAGONAL, DIAGONAL, DIAGONAL, COLUMN], [COLUMN, COLUMN, COLUMN, COLUMN], 2);
  assert.deepEqual(bestRule(tells), { rule: "has more of its colour on the diagonal", found: 3.5, n: 4 });
  assert.match(withoutEyes(tells), /more of its colour on the diagonal”, is right for 3.5 of the 4 heads/);
  const turned = pair([COLUMN, COLUMN], [DIAGONAL, DIAGONAL], 1);
  assert.deepEqual(bestRule(turned), { rule: "has less of its colour on the diagonal", found: 2, n: 2 });
  // the same maps in the other order of heads: every rule is right as often as wrong
  const level = pair([DIAGONAL, COLUMN], [COLUMN, DIAGONAL], 2);
  assert.equal(bestRule(level).found, 1);
  assert.match(withoutEyes(level), /at most 1 of the 2 heads/);
});

test("a map without names shows ranks: neither its level nor its darkness tells it", () => {
  const shades = ranked(Float32Array.from([0.5, 0.1, 0.1, 0.9]), false);
  assert.deepEqual([...shades], [2 / 3, 0.5 / 3, 0.5 / 3, 1].map(Math.fround));
  const total = (map) => ranked(Float32Array.from(map), false).reduce((x, y) => x + y, 0);
  near(total(DIAGONAL), total(PALE));
  const fainter = DIAGONAL.map((weight) => weight / 4);
  assert.equal(bestRule(pair([DIAGONAL, DIAGONAL], [fainter, fainter], 1)).found, 1);
  assert.deepEqual([...ranked(Float32Array.from([1, 0, 0.3, 0.7]), true)], [1, 0, 0, 0.5]); // what is masked is white
});

test("what a row lacks to 1 is spread over its empty cells, and none of it on the future", () => {
  const m = maps(LEVELS);
  const mean = m.mean(m.list[0], 0);
  near(mean[2 * 3 + 0], (0.2 + 0.005) / 2);
  near(mean[2 * 3 + 2], (0.5 + 0.005) / 2);
  near(mean[0 * 3 + 1], 0);
});

test("rollout keeps half of a state for itself, layer after layer", () => {
  const m = maps(LEVELS);
  const rolled = m.rollout(m.list[0], 0);
  near(rolled[1 * 3 + 1], 0.5 + 0.5 * 0.3);
  near(rolled[1 * 3] + rolled[1 * 3 + 1] + rolled[1 * 3 + 2], 1);
});

test("pieces of a word are summed where attended to and averaged where they attend", () => {
  const m = maps(LEVELS);
  m.regroup(true, false);
  assert.deepEqual(
    m.items.map(({ full, text, at }) => [full, text, at]),
    [["robin", "robin", [1, 2]]],
  );
  near(m.matrix(m.list[0], 0, 0)[0], (0.6 + 0.8) / 2);
  assert.deepEqual(m.identity(m.list[0], "cosine", 0), [0.7]);
  assert.equal(m.identity(m.list[0], "probe", 0), null);
  m.regroup(false, true);
  assert.deepEqual(
    m.items.map((item) => item.text),
    ["[CLS]", "ro", "bin"],
  );
});

test("the first of equals is a row's favourite; an empty row has none", () => {
  const m = maps(LEVELS);
  m.regroup(false, true);
  assert.deepEqual(m.favourites(Float32Array.of(0, 0, 0, 0.4, 0.4, 0.2, 0.1, 0.2, 0.2)), [-1, 0, 1]);
});

test("a percentage has a decimal only where the weights were stored finely enough", () => {
  const m = maps(LEVELS);
  m.showing(0, 0, "");
  assert.deepEqual(
    [0.004, 0.006, 0.25].map((w) => m.percent(w)),
    ["0%", "1%", "25%"],
  );
  m.list[0].steps = [1 / 255, 1 / 255];
  m.showing(0, 0, "");
  assert.deepEqual(
    [0.0004, 0.004, 0.0995].map((w) => m.percent(w)),
    ["0%", "0.4%", "10%"],
  );
  assert.equal(m.within(m.list[0], 0, 0), "0.20%");
});

test("a summary may be called what it likes", () => {
  const m = maps(LEVELS, { summaries: ["__proto__"] });
  assert.equal(Object.keys(m.combinations).at(-1), "__proto__");
  assert.equal(m.combinations.constructor, undefined);
  assert.deepEqual(Object.keys(maps(LEVELS, { head_names: ["a", "b"] }).combinations), []);
});

test("the table of a map names both tokens of every weight", () => {
  const m = maps(LEVELS);
  m.regroup(false, true);
  const rows = m.csv(0, 1, [m.full(m.list[0], 0, 1)]).split("\r\n");
  assert.equal(rows[0], "\ufefflayer,head,query_index,query,key_index,key,real");
  assert.equal(rows[8], "0,1,2,bin,1,Ġro,0.99000");
  assert.equal(rows.length, 11);
});

// -- lists --

/** Four words, two conditions, two neighbours each. */
function lists(meta = {}) {
  const near = [
    [
      [1, 2],
      [0, 2],
      [0, 1],
      [0, 1],
    ],
    [
      [3, 1],
      [3, 0],
      [0xffff, 0xffff],
      [0, 1],
    ],
  ];
  const raw = new Uint8Array(2 * 2 * 2 * 4);
  for (const [c, words] of near.entries())
    for (const [i, list] of words.entries())
      for (const [rank, j] of list.entries()) {
        raw[(c * 2 + rank) * 4 + i] = j & 255;
        raw[16 + (c * 2 + rank) * 4 + i] = j >> 8;
      }
  return new NeighbourLists(
    {
      words: ["Owl", "hen", "robin", "axe"],
      conditions: ["gold", "other"],
      k: 2,
      overlap: [1, 0.5],
      controls: [],
      categories: ["bird", "bird", "bird", null],
      feature_names: ["flies", "sings"],
      features: [[0], [], [0, 1], []],
      ...meta,
    },
    raw,
    null,
  );
}

test("neighbours come nearest first, and a word without a vector has none", () => {
  assert.deepEqual([lists().near(0, 1), lists().near(1, 0), lists().near(1, 2)], [[0, 2], [3, 1], []]);
});

test("shares of a category are means over the words that have a category and neighbours", () => {
  const l = lists();
  assert.deepEqual(l.kinds, ["bird"]);
  near(l.kinChance, 2 / 3);
  assert.deepEqual(l.kinMean, [1, 0.5]);
  assert.ok(l.kin(0, 1) && !l.kin(0, 3) && !l.kin(3, 3)); // no category is no common one
});

test("categories of the same size are in the order of their names", () => {
  assert.deepEqual(lists({ categories: ["tool", "bird", "tool", "bird"] }).kinds, ["bird", "tool"]);
});

test("a category beyond those that can be told apart has no look", () => {
  const looks = Array.from({ length: COLOURS * SHAPES.length }, (_, kind) => kindStyle(kind).join());
  assert.equal(new Set(looks).size, 24);
  assert.deepEqual([lists().style(0), lists().style(3)], [[0, 0], null]);
});

test("what two words share is known where features are", () => {
  assert.deepEqual(
    [lists().shared(0, 2), lists().shared(0, 1), lists({ features: null }).shared(0, 1)],
    [["flies"], [], null],
  );
});

test("a word is found as typed, or whatever its capitals", () => {
  const l = lists();
  assert.deepEqual(
    [l.find("Owl"), l.find("owl"), l.find("ow"), l.beginning("O"), l.beginning("")],
    [0, 0, -1, ["Owl"], []],
  );
});

test("the lists of a word as a table", () => {
  const rows = lists().csv(0).split("\r\n");
  assert.deepEqual(rows.slice(0, 2), [
    "\ufeffword,condition,rank,neighbour,also_gold,same_category",
    "Owl,gold,1,hen,true,true",
  ]);
  assert.equal(rows[3], "Owl,other,1,axe,false,false");
});

// -- guesses, links, the model of a page --

test("the chance of guessing is the tail of a binomial", () => {
  near(chanceOf(2, 3, 2), 0.5);
  near(chanceOf(0, 5, 3), 1);
  near(chanceOf(3, 3, 4), 1 / 64);
  assert.deepEqual([0.0001, 0.015, 0.0994, 0.0995, 1].map(asPercent), ["under 0.1%", "1.5%", "9.9%", "10%", "100%"]);
  assert.deepEqual(shuffled([1, 2, 3, 4]).sort(), [1, 2, 3, 4]);
});

test("a view survives its link; what is no view is none", () => {
  const state = { at: 1, views: [null, { kind: "attention", combine: "日本 \ud83d\udc69 +/=" }] };
  assert.match(writeState(state), /^explaint-[\w-]+$/);
  assert.deepEqual(readState(`https://x/#${writeState(state)}\n`), state);
  for (const text of ["", "explaint-", "explaint-AAAA", "explaint-eyJ2aWV3cyI6MX0", "else"])
    assert.equal(readState(text), null);
});

test("a place out of a link is a whole number within bounds", () => {
  assert.deepEqual(
    [0, 2, 3, -1, 1.5, "1", null, undefined].map((v) => isPlace(v, 3)),
    [true, true, ...Array(6).fill(false)],
  );
});

test("the model of a page tells of what changed, once, and only to who listens", () => {
  const model = makeModel({ layer: 0 });
  let told = 0;
  const listen = () => told++;
  model.on("change:layer", listen);
  model.set("layer", 0);
  model.save_changes();
  assert.equal(told, 0);
  model.set("layer", 1);
  model.save_changes();
  model.save_changes();
  assert.deepEqual([told, model.get("layer")], [1, 1]);
  model.off("change:layer", listen);
  model.set("layer", 2);
  model.save_changes();
  assert.equal(told, 1);
});

test("a colour is read from its six digits", () => assert.deepEqual(rgb("#0068a8"), [0, 104, 168]));
