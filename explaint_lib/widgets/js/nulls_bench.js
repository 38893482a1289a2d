/** What an experiment computes: fits made once, when first asked for, and scores of norms as they are and drawn anew. */

import { DRAWS, randomOf, shuffle } from "./nulls_draws.js";
import { fitOf, meanOnly } from "./nulls_fit.js";
import { LEAST } from "./nulls_rules.js";
import { areaUnderCurve, f1At10, meanOf, overlapAt10, twoAlternatives } from "./nulls_scores.js";

/**
 * @typedef {import("./nulls_data.js").Rows} Rows
 * @typedef {import("./nulls_data.js").World} World
 * @typedef {import("./nulls_fit.js").Fit} Fit
 */

export class Bench {
  /** @type {Fit | null} */
  made = null;
  /** @type {number | null} */
  median = null;

  /** @param {World} world */
  constructor(world) {
    this.world = world;
  }

  get fit() {
    this.made ??= fitOf(this.world);
    return this.made;
  }

  /**
   * @param {string} score
   * @param {Rows} rows
   * @param {Fit} fit
   */
  scored(score, rows, fit = this.fit) {
    if (score === "f1") return meanOf(f1At10(fit, rows));
    if (score === "overlap") return meanOf(overlapAt10(fit, rows));
    return meanOf(twoAlternatives(fit, rows, this.world.kinds));
  }

  /** @param {string} score */
  observed(score) {
    return this.scored(score, this.world.norms);
  }

  /** @param {string} score */
  constant(score) {
    return this.scored(score, this.world.norms, meanOnly(this.fit));
  }

  /**
   * @param {string} score
   * @param {string} control
   * @param {number} seed
   * @param {number} draw
   */
  drawn(score, control, seed, draw) {
    return this.scored(score, DRAWS[control](this.world, randomOf(seed, draw)));
  }

  /** @param {boolean[]} has */
  feature(has) {
    return areaUnderCurve(this.fit, has.map(Number), has);
  }

  /**
   * @param {boolean[]} has
   * @param {number} seed
   * @param {number} draw
   */
  shuffledFeature(has, seed, draw) {
    return this.feature(shuffle([...has], randomOf(seed, draw)));
  }

  /** The median score of the norms' own features, of those that enough words have. */
  get usual() {
    if (this.median !== null) return this.median;
    const { norms, n } = this.world;
    /** @type {Map<number, Float64Array>} */
    const columns = new Map();
    for (let i = 0; i < n; i++)
      for (let c = norms.start[i]; c < norms.start[i + 1]; c++) {
        const values = columns.get(norms.column[c]) ?? new Float64Array(n);
        values[i] = norms.value[c];
        columns.set(norms.column[c], values);
      }
    const scores = [...columns.values()]
      .map((values) => ({ values, has: Array.from(values, Boolean) }))
      .filter(({ has }) => has.filter(Boolean).length >= LEAST)
      .map(({ values, has }) => areaUnderCurve(this.fit, values, has))
      .sort((a, b) => a - b);
    this.median = scores.length ? scores[Math.floor(scores.length / 2)] : NaN;
    return this.median;
  }
}
