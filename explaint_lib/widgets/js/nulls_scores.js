/** Scores of predictions, as `explaint_lib.metrics` computes them. Pure functions. */

import { eachPrediction, productInto, wholeWeights } from "./nulls_fit.js";

/**
 * @typedef {import("./nulls_data.js").Rows} Rows
 * @typedef {import("./nulls_fit.js").Fit} Fit
 */

const K = 10; // of F1@10 and overlap@10

/**
 * Return the k-th largest value, and the probability of a value equal to it to be among the k largest.
 *
 * @param {Float64Array} values
 * @param {number} k
 * @returns {[number, number]}
 */
export function cutOf(values, k) {
  const top = new Float64Array(k).fill(-Infinity); // ascending
  let [cut, tied] = [-Infinity, false];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < cut) continue;
    if (value === cut) {
      tied = true;
      continue;
    }
    let at = 0;
    for (; at + 1 < k && top[at + 1] < value; at++) top[at] = top[at + 1];
    top[at] = value;
    if (top[0] === cut) tied = true; // an equal one has just left
    cut = top[0];
  }
  if (!tied) return [cut, 1];
  let [above, equal] = [0, 0];
  for (const value of values) {
    if (value > cut) above++;
    else if (value === cut) equal++;
  }
  return [cut, (k - above) / equal];
}

/**
 * Return each word's F1 of the ten features predicted most strongly; NaN for a word without features.
 *
 * @param {Fit} fit
 * @param {Rows} rows
 */
export function f1At10(fit, rows) {
  const scores = new Float64Array(fit.n);
  eachPrediction(fit, rows, (i, predicted) => {
    const [cut, part] = cutOf(predicted, K);
    const count = rows.start[i + 1] - rows.start[i];
    let hits = 0;
    for (let c = rows.start[i]; c < rows.start[i + 1]; c++) {
      const value = predicted[rows.column[c]];
      hits += value > cut ? 1 : value === cut ? part : 0;
    }
    scores[i] = count ? (2 * hits) / (K + count) : NaN;
  });
  return scores;
}

/** As the library compares cosines: equal vectors tie. @param {number} cosine */
const rounded = (cosine) => Math.round(Math.max(-1, Math.min(1, cosine)) * 1e12) / 1e12;

/**
 * Return how often each word's prediction is nearer to its own row than to that of a word of its category and fold.
 *
 * @param {Fit} fit
 * @param {Rows} rows
 * @param {Int32Array} kinds
 */
export function twoAlternatives(fit, rows, kinds) {
  const scores = new Float64Array(fit.n).fill(NaN);
  const lengths = Float64Array.from({ length: fit.n }, (_, i) => {
    let squares = 0;
    for (let c = rows.start[i]; c < rows.start[i + 1]; c++) squares += rows.value[c] ** 2;
    return squares;
  });
  eachPrediction(fit, rows, (i, predicted) => {
    if (kinds[i] < 0) return;
    let squares = 0;
    for (const value of predicted) squares += value * value;
    const near = (/** @type {number} */ j) => {
      let product = 0;
      for (let c = rows.start[j]; c < rows.start[j + 1]; c++) product += predicted[rows.column[c]] * rows.value[c];
      const length = squares * lengths[j];
      return rounded(product / Math.sqrt(length > 0 ? length : 1));
    };
    const own = near(i);
    let beaten = 0,
      others = 0;
    for (let j = 0; j < fit.n; j++) {
      if (j === i || kinds[j] !== kinds[i] || fit.folds[j] !== fit.folds[i]) continue;
      const other = near(j);
      others++;
      beaten += other < own ? 1 : other === own ? 0.5 : 0;
    }
    if (others) scores[i] = beaten / others;
  });
  return scores;
}

/**
 * Return the inner products of the rows, (word, word).
 *
 * @param {Rows} rows
 * @param {number} n
 */
function gramOf(rows, n) {
  const gram = new Float64Array(n * n),
    /** @type {[number, number][][]} */ owners = Array.from({ length: rows.m }, () => []);
  for (let i = 0; i < n; i++)
    for (let c = rows.start[i]; c < rows.start[i + 1]; c++) {
      const list = owners[rows.column[c]];
      list.push([i, rows.value[c]]);
      for (const [j, strength] of list) {
        gram[i * n + j] += rows.value[c] * strength;
        if (i !== j) gram[j * n + i] += rows.value[c] * strength;
      }
    }
  return gram;
}

/**
 * Return, from inner products, each word's probability to be among the ten nearest of each other, (word, word).
 *
 * @param {Float64Array} gram
 * @param {number} n
 */
function nearestOf(gram, n) {
  const near = new Float64Array(n * n),
    row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const length = gram[i * n + i] * gram[j * n + j];
      row[j] = j === i ? -Infinity : rounded(gram[i * n + j] / Math.sqrt(length > 0 ? length : 1));
    }
    const [cut, part] = cutOf(row, K);
    for (let j = 0; j < n; j++) near[i * n + j] = row[j] > cut ? 1 : row[j] === cut ? part : 0;
  }
  return near;
}

/**
 * Return the share of each word's ten nearest words, by the predictions, that are among its ten nearest by the norms.
 *
 * @param {Fit} fit
 * @param {Rows} rows
 */
export function overlapAt10(fit, rows) {
  const { n } = fit;
  const gram = gramOf(rows, n);
  const half = new Float64Array(n * n); // inner products of predictions with the norms
  eachPrediction(fit, rows, (i, predicted) => {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let c = rows.start[j]; c < rows.start[j + 1]; c++) sum += predicted[rows.column[c]] * rows.value[c];
      half[i * n + j] = sum;
    }
  });
  const predicted = new Float64Array(n * n);
  productInto(predicted, half, wholeWeights(fit), n, n);
  const [near, gold] = [nearestOf(predicted, n), nearestOf(gram, n)];
  const scores = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = i * n; j < (i + 1) * n; j++) scores[i] += (near[j] * gold[j]) / K;
  return scores;
}

/**
 * Return how often, of two words held out together, the one with the feature is predicted above the one without it.
 *
 * @param {Fit} fit
 * @param {ArrayLike<number>} values of the feature, one a word
 * @param {ArrayLike<boolean>} has
 */
export function areaUnderCurve(fit, values, has) {
  const { n, folds } = fit;
  const predicted = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let [sum, total] = [0, 0];
    for (let k = 0; k < n; k++) {
      if (folds[k] === folds[i]) continue;
      sum += fit.weights[i * n + k] * values[k];
      total += values[k];
    }
    predicted[i] = sum + total / fit.training[i];
  }
  let wins = 0,
    pairs = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; has[i] && j < n; j++) {
      if (has[j] || folds[j] !== folds[i]) continue;
      pairs++;
      wins += predicted[j] < predicted[i] ? 1 : predicted[j] === predicted[i] ? 0.5 : 0;
    }
  return wins / pairs;
}

/**
 * Return the mean over the words that have a score.
 *
 * @param {Float64Array} scores
 */
export function meanOf(scores) {
  let sum = 0,
    count = 0;
  for (const score of scores) {
    if (Number.isNaN(score)) continue;
    sum += score;
    count++;
  }
  return sum / count;
}

/**
 * Return the p-value of an observed score, which is one of the possible ones: it is never 0.
 *
 * @param {number} observed
 * @param {readonly number[]} drawn
 */
export function permutationP(observed, drawn) {
  const slack = 1e-12 * Math.max(1, Math.abs(observed)); // the same sum in another order must count as a tie
  return (1 + drawn.filter((score) => score >= observed - slack).length) / (1 + drawn.length);
}
