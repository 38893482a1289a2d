/** Ridge regression fitted on all other folds, as `explaint_lib.mappers` fits it. Pure functions. */

/**
 * @typedef {import("./nulls_data.js").Rows} Rows
 * @typedef {import("./nulls_data.js").World} World
 */
/**
 * Weights of the training words in the prediction of each word, beyond the mean of the training words.
 *
 * @typedef {object} Fit
 * @property {number} n
 * @property {Float64Array} weights (word, training word); 0 within a fold
 * @property {Int32Array} folds
 * @property {Int32Array} training how many words each word's map was fitted on
 */

/**
 * Return the weights of ridge regression at a fixed penalty: the prediction of any norms is linear in them.
 *
 * @param {World} world
 * @returns {Fit}
 */
export function fitOf(world) {
  const { n, p, folds } = world;
  const weights = new Float64Array(n * n),
    training = new Int32Array(n);
  for (const fold of new Set(folds)) {
    /** @type {number[]} */
    const test = [];
    /** @type {number[]} */
    const train = [];
    for (let i = 0; i < n; i++) (folds[i] === fold ? test : train).push(i);
    for (const i of test) training[i] = train.length;
    const kernel = kernelOf(world.vectors, n, p, train);
    solveInto(weights, kernel, train, test, n, world.penalty);
  }
  return { n, weights, folds, training };
}

/** What a map fitted on nothing but the mean predicts. @param {Fit} fit @returns {Fit} */
export const meanOnly = (fit) => ({ ...fit, weights: new Float64Array(fit.weights.length) });

/**
 * Return the inner products of all words, standardised as the training words are, (word, word).
 *
 * @param {Uint8Array} vectors
 * @param {number} n
 * @param {number} p
 * @param {number[]} train
 */
function kernelOf(vectors, n, p, train) {
  const rows = new Float64Array(n * p); // (word, dimension)
  for (let d = 0; d < p; d++) {
    const at = d * n;
    let sum = 0,
      squares = 0;
    for (const i of train) sum += vectors[at + i];
    const mean = sum / train.length;
    for (const i of train) squares += (vectors[at + i] - mean) ** 2;
    const deviation = Math.sqrt(squares / Math.max(train.length - 1, 1));
    const divisor = deviation > 1e-14 * Math.abs(mean) ? deviation : 1;
    for (let i = 0; i < n; i++) rows[i * p + d] = (vectors[at + i] - mean) / divisor;
  }
  const kernel = new Float64Array(n * n);
  productInto(kernel, rows, rows, n, p);
  return kernel;
}

/**
 * Set `out[i, j]`, symmetric, to the inner product of row i of `a` and row j of `b`; four rows at a time.
 *
 * @param {Float64Array} out
 * @param {Float64Array} a
 * @param {Float64Array} b
 * @param {number} n
 * @param {number} p
 */
export function productInto(out, a, b, n, p) {
  for (let i = 0; i < n; i++) {
    const left = i * p;
    let j = i;
    for (; j + 3 < n; j += 4) {
      let [w, x, y, z] = [0, 0, 0, 0];
      for (let d = 0, q = j * p; d < p; d++, q++) {
        const own = a[left + d];
        w += own * b[q];
        x += own * b[q + p];
        y += own * b[q + 2 * p];
        z += own * b[q + 3 * p];
      }
      out[i * n + j] = out[j * n + i] = w;
      out[i * n + j + 1] = out[(j + 1) * n + i] = x;
      out[i * n + j + 2] = out[(j + 2) * n + i] = y;
      out[i * n + j + 3] = out[(j + 3) * n + i] = z;
    }
    for (; j < n; j++) {
      let sum = 0;
      for (let d = 0; d < p; d++) sum += a[left + d] * b[j * p + d];
      out[i * n + j] = out[j * n + i] = sum;
    }
  }
}

/**
 * Solve (kernel + penalty) for the test words, by Cholesky, into `weights`.
 *
 * @param {Float64Array} weights
 * @param {Float64Array} kernel
 * @param {number[]} train
 * @param {number[]} test
 * @param {number} n
 * @param {number} penalty
 */
function solveInto(weights, kernel, train, test, n, penalty) {
  const t = train.length,
    lower = new Float64Array(t * t),
    side = new Float64Array(t);
  for (let i = 0; i < t; i++)
    for (let j = 0; j <= i; j++) {
      let sum = kernel[train[i] * n + train[j]] + (i === j ? penalty : 0);
      for (let k = 0; k < j; k++) sum -= lower[i * t + k] * lower[j * t + k];
      lower[i * t + j] = i === j ? Math.sqrt(sum) : sum / lower[j * t + j];
    }
  for (const word of test) {
    for (let i = 0; i < t; i++) {
      let sum = kernel[word * n + train[i]];
      for (let k = 0; k < i; k++) sum -= lower[i * t + k] * side[k];
      side[i] = sum / lower[i * t + i];
    }
    for (let i = t - 1; i >= 0; i--) {
      const solved = side[i] / lower[i * t + i];
      side[i] = solved;
      for (let k = 0; k < i; k++) side[k] -= lower[i * t + k] * solved;
    }
    for (let i = 0; i < t; i++) weights[word * n + train[i]] = side[i];
  }
}

/**
 * Return the means of the features over the words outside each fold.
 *
 * @param {Fit} fit
 * @param {Rows} rows
 */
function meansOf(fit, rows) {
  /** @type {Map<number, Float64Array>} */
  const means = new Map();
  for (const fold of new Set(fit.folds)) {
    const mean = new Float64Array(rows.m);
    let count = 0;
    for (let k = 0; k < fit.n; k++) {
      if (fit.folds[k] === fold) continue;
      count++;
      for (let c = rows.start[k]; c < rows.start[k + 1]; c++) mean[rows.column[c]] += rows.value[c];
    }
    means.set(
      fold,
      mean.map((sum) => sum / count),
    );
  }
  return means;
}

/**
 * Call `use(word, prediction)` for each word; the prediction is overwritten by the next.
 *
 * @param {Fit} fit
 * @param {Rows} rows
 * @param {(word: number, predicted: Float64Array) => void} use
 */
export function eachPrediction(fit, rows, use) {
  const means = meansOf(fit, rows),
    predicted = new Float64Array(rows.m);
  const { start, column, value } = rows;
  for (let i = 0; i < fit.n; i++) {
    predicted.set(/** @type {Float64Array} */ (means.get(fit.folds[i])));
    for (let k = 0; k < fit.n; k++) {
      const weight = fit.weights[i * fit.n + k];
      if (weight !== 0) for (let c = start[k]; c < start[k + 1]; c++) predicted[column[c]] += weight * value[c];
    }
    use(i, predicted);
  }
}

/**
 * Return the weights of the training words in the prediction of each word, those of the mean included.
 *
 * @param {Fit} fit
 */
export function wholeWeights({ n, weights, folds, training }) {
  const whole = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) if (folds[i] !== folds[k]) whole[i * n + k] = weights[i * n + k] + 1 / training[i];
  return whole;
}
