// Not a test: what the page computes from payloads, as JSON, for tests/test_nulls.py to hold beside the library's numbers.
// node tests/js/nulls_numbers.js FILE, which holds {worlds: [{meta, vectors, cells}], controls, draws, seed, scores, rows, features}

import { readFileSync } from "node:fs";
import { bytes85, inflate } from "../../explaint_lib/widgets/js/bytes.js";
import { worldOf } from "../../explaint_lib/widgets/js/nulls_data.js";
import { DRAWS, randomOf } from "../../explaint_lib/widgets/js/nulls_draws.js";
import { fitOf, meanOnly } from "../../explaint_lib/widgets/js/nulls_fit.js";
import * as scores from "../../explaint_lib/widgets/js/nulls_scores.js";

const asked = JSON.parse(readFileSync(process.argv[2], "utf8"));
const found = [];
for (const { meta, vectors, cells } of asked.worlds) {
  const world = worldOf(meta, await inflate(bytes85(vectors)), await inflate(bytes85(cells)));
  const fit = fitOf(world),
    constant = meanOnly(fit);
  const all = {
    f1: (by, rows) => scores.f1At10(by, rows),
    overlap: (by, rows) => scores.overlapAt10(by, rows),
    two: (by, rows) => scores.twoAlternatives(by, rows, world.kinds),
  };
  const scored = (by, rows) => {
    const out = {};
    for (const name of asked.scores) {
      const started = process.cpuUsage().user;
      out[name] = scores.meanOf(all[name](by, rows));
      out[`${name}_ms`] = (process.cpuUsage().user - started) / 1000;
    }
    if (asked.rows) out.rows = { start: [...rows.start], column: [...rows.column], value: [...rows.value] };
    return out;
  };
  const one = { as_they_are: scored(fit, world.norms), constant: scored(constant, world.norms), drawn: {}, p: {} };
  for (const control of asked.controls) {
    const drawn = [];
    for (let draw = 0; draw < asked.draws; draw++)
      drawn.push(scored(fit, DRAWS[control](world, randomOf(asked.seed, draw))));
    one.drawn[control] = drawn;
    one.p[control] = Object.fromEntries(
      asked.scores.map((name) => [
        name,
        scores.permutationP(
          one.as_they_are[name],
          drawn.map((score) => score[name]),
        ),
      ]),
    );
  }
  one.features = (asked.features ?? []).map(({ values, has }) => scores.areaUnderCurve(fit, values, has));
  found.push(one);
}
console.log(JSON.stringify(found));
