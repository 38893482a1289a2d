/** A feature that the reader makes up: which words have it. Pure functions. */

import { randomOf } from "./nulls_draws.js";

/** @type {readonly (readonly [string, string])[]} the name of a rule, and what its words do */
export const RULES = [
  ["begins", "begin with"],
  ["ends", "end with"],
  ["contains", "contain"],
  ["longer", "have more letters than"],
  ["listed", "are in my list:"],
  ["coin", "win when a coin is tossed"],
];

export const LEAST = 10; // words with the feature, and without it, as metrics.auc_feature asks for

/**
 * Return which words have the feature; null where the rule lacks what it needs.
 *
 * @param {string} rule
 * @param {string} typed letters, a number, or words with commas between them
 * @param {readonly string[]} words
 * @param {number} seed of the coin
 * @returns {boolean[] | null}
 */
export function wordsWith(rule, typed, words, seed) {
  const text = typed.trim().toLowerCase();
  if (rule === "coin") {
    const random = randomOf(seed, -2); // no draw of the null has this number
    return words.map(() => random() < 0.5);
  }
  if (!text) return null;
  const parts = text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
  const limit = Number(text);
  if (!parts.length || (rule === "longer" && !(limit >= 0))) return null;
  /** @type {Map<string, (word: string) => boolean>} */
  const rules = new Map(
    Object.entries({
      begins: (/** @type {string} */ word) => parts.some((part) => word.startsWith(part)),
      ends: (/** @type {string} */ word) => parts.some((part) => word.endsWith(part)),
      contains: (/** @type {string} */ word) => parts.some((part) => word.includes(part)),
      longer: (/** @type {string} */ word) => Array.from(word).length > limit,
      listed: (/** @type {string} */ word) => parts.includes(word),
    }),
  );
  const has = rules.get(rule);
  return has ? words.map((word) => has(word.toLowerCase())) : null;
}

/**
 * Return what the feature is called in a sentence.
 *
 * @param {string} rule
 * @param {string} typed
 */
export function ruleName(rule, typed) {
  const does = RULES.find(([name]) => name === rule)?.[1] ?? "";
  if (rule === "coin") return "a coin tossed for each word";
  return rule === "listed" ? "“is in my list”" : `“words that ${does} ${typed.trim()}”`;
}
