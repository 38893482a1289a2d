/** What the page says of a null, in sentences that the reader's own result completes. Pure functions. */

import { permutationP } from "./nulls_scores.js";

/** @typedef {{ guess: number, observed: number, drawn: readonly number[], seed: number }} Outcome */

/** @type {Record<string, { name: string, low: number | null, what: string }>} */
export const SCORES = {
  f1: { name: "F1@10", low: 0, what: "are the ten features predicted most strongly the word's own?" },
  overlap: {
    name: "overlap@10",
    low: 0,
    what: "are a word's ten neighbours by prediction its ten neighbours by norms?",
  },
  two: {
    name: "two alternatives in the category",
    low: 0.2,
    what: "is a prediction nearer to its own word's norms than to another word's of the same category and fold? Chance is 0.5.",
  },
  auc: {
    name: "AUC",
    low: 0.2,
    what: "of two held-out words, is the one with the feature predicted above the one without it? Chance is 0.5.",
  },
};

/** @type {Record<string, { name: string, how: string, keeps: string }>} */
export const CONTROLS = {
  shuffled: {
    name: "columns shuffled",
    how: "Each feature goes to as many words as before, but they are drawn for this feature alone.",
    keeps: "what a map learns from shuffled columns",
  },
  permuted_pairing: {
    name: "rows permuted",
    how: "Each word gets the whole list of features of another word.",
    keeps: "what a map learns from the norms of other words",
  },
  permuted_within: {
    name: "rows permuted within the category",
    how: "Each word gets the whole list of features of a word of its own category.",
    keeps: "what a map learns from the norms of other words of the same category",
  },
  rewired: {
    name: "rewired norms",
    how: "Words exchange features until none of the old pairs counts. Each feature keeps its number of words, and each word its number of features.",
    keeps: "what a map learns from rewired norms",
  },
  random: {
    name: "random cells",
    how: "As many cells as before are filled, anywhere in the table.",
    keeps: "what a map learns from random cells",
  },
  constant: {
    name: "the constant",
    how: "The norms stay as they are, but every word gets one prediction: the mean of the training words.",
    keeps: "how common each feature is",
  },
};

/** @param {number} value */
export const two = (value) => value.toFixed(2);

/** @param {readonly number[]} list */
export const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;

/**
 * @param {number} guess
 * @param {number} found
 */
export function missed(guess, found) {
  const off = Number(two(found)) - Number(two(guess));
  if (Math.abs(off) < 0.005) return "just where you said";
  return `${two(Math.abs(off))} ${off > 0 ? "higher" : "lower"} than you said`;
}

const FEW = 19; // with fewer draws p cannot be 0.05

/**
 * Say what p is, and what it could be at least.
 *
 * @param {Outcome} outcome
 * @param {string} reach what a draw would have to reach
 */
function said(outcome, reach) {
  const n = outcome.drawn.length,
    p = permutationP(outcome.observed, outcome.drawn),
    least = 1 / (1 + n),
    above = Math.round(p * (1 + n)) - 1;
  const some = above === 0 ? "None" : `${above}`;
  const end =
    above === 0
      ? `the smallest p that ${n} ${n === 1 ? "draw" : "draws"} can give`
      : `the smallest possible is ${number(least)}`;
  return `${some} of ${n} ${n === 1 ? "draw reaches" : "draws reach"} ${reach}: p = (1 + ${above}) / (1 + ${n}) = ${number(p)}, ${end}.`;
}

/** @param {number} p */
const number = (p) => String(Number(p.toPrecision(2)));

/**
 * Return the sentences about a control of the norms.
 *
 * @param {string} score
 * @param {string} control
 * @param {Outcome} outcome
 */
export function controlTexts(score, control, outcome) {
  const { name, keeps } = CONTROLS[control];
  const { guess, observed, drawn } = outcome;
  if (control === "constant") {
    const share =
      SCORES[score].low === 0
        ? `${Math.round((100 * drawn[0]) / observed)}% of this score needs`
        : "such a score needs";
    return [
      `You said ${two(guess)}; ${name} scores ${two(drawn[0])}, ${missed(guess, drawn[0])}.`,
      `The map scores ${two(observed)}. So ${share} no vector at all.`,
    ];
  }
  const landed = mean(drawn);
  const texts = [
    `You said ${two(guess)}; with ${name} the score lands at ${two(landed)}${drawn.length > 1 ? " on average" : ""}, ${missed(guess, landed)}.`,
    said(outcome, `the ${two(observed)} of the norms as they are`),
  ];
  if (drawn.length < FEW)
    return [...texts, `Draw at least ${FEW} times before you read p: with fewer draws it cannot be 0.05.`];
  const more = permutationP(observed, drawn) <= 0.05;
  const share = SCORES[score].low === 0 ? `${Math.round((100 * landed) / observed)}% of the score` : "";
  const rest = ["shuffled", "permuted_pairing", "rewired"].includes(control) ? "the constant may reach more" : "";
  const aside = [share, rest].filter(Boolean).join("; ");
  return [
    ...texts,
    `So this score ${more ? "needs more than" : "shows no more than"} ${keeps}${aside && ` (${aside})`}.`,
  ];
}

/**
 * Return the sentences about a feature that the reader made up.
 *
 * @param {string} feature
 * @param {Outcome} outcome
 * @param {number} usual the median over the norms' own features
 */
export function ownTexts(feature, outcome, usual) {
  const { guess, observed, drawn } = outcome;
  const texts = [
    `You said ${two(guess)}; ${feature} scores ${two(observed)}, ${missed(guess, observed)}. Half of the norms' own features score ${two(usual)} or more.`,
  ];
  if (!drawn.length)
    return [...texts, "Shuffle the feature over the words: how often does a score so high come from nothing?"];
  texts.push(said(outcome, "this score when the feature is shuffled over the words"));
  if (drawn.length < FEW)
    return [...texts, `Draw at least ${FEW} times before you read p: with fewer draws it cannot be 0.05.`];
  const there = permutationP(observed, drawn) <= 0.05;
  return [
    ...texts,
    there
      ? "So these vectors contain this feature, whether it means anything or not."
      : "So these vectors do not show that they contain this feature.",
  ];
}
