/** Who is near whom, under which condition, and of which category. Draws no figure. */

import { asBytes, inflate } from "./bytes.js";
import { svg } from "./dom.js";
import { csvFile, short } from "./text.js";

/**
 * @typedef {import("./types.d.ts").Get} Get
 * @typedef {import("./types.d.ts").NeighbourMeta} NeighbourMeta
 * @typedef {readonly [colour: number, shape: number]} Style
 */

const NOBODY = 0xffff; // "no neighbour": the word's vector is zero under that condition

export const COLOURS = 6; // for a reader of any colour vision; 24 categories with the four shapes
export const SHAPES = [
  [12, 0], // corners and first angle in quarters of a turn; 12 corners are a disc
  [4, 0.5],
  [4, 0],
  [3, -1],
];

/**
 * @param {number} kind the number of a category, the largest first
 * @returns {Style}
 */
export const kindStyle = (kind) => [kind % COLOURS, (kind + Math.floor(kind / COLOURS)) % SHAPES.length];

/**
 * Return the corners of a shape around (x, y).
 *
 * @param {number} shape
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @returns {[x: number, y: number][]}
 */
export function corners(shape, x, y, r) {
  const [n, start] = SHAPES[shape];
  return Array.from({ length: n }, (_, i) => {
    const angle = (start * Math.PI) / 2 + (2 * Math.PI * i) / n;
    return [x + r * Math.cos(angle), y + r * Math.sin(angle)];
  });
}

/**
 * Return the corners of a shape as an SVG polygon writes them.
 *
 * @param {[x: number, y: number][]} points
 */
export const pointsOf = (points) => points.map((p) => p.map((v) => v.toFixed(1)).join()).join(" ");

/**
 * Return a small picture of a category, for lists and keys.
 *
 * @param {Style | null} style
 */
export const swatch = (style) =>
  svg(
    "svg",
    { class: "swatch", viewBox: "0 0 12 12", "aria-hidden": "true" },
    style
      ? svg("polygon", { points: pointsOf(corners(style[1], 6, 6, 5)), fill: `var(--kind${style[0]})` })
      : svg("circle", { cx: 6, cy: 6, r: 2.5, fill: "var(--edge)" }),
  );

/** What the page was given: which words are near which, under each condition. Words and conditions count from 0. */
export class NeighbourLists {
  /** Categories, the largest first. @type {string[]} */
  kinds = [];
  /** How many words each category has. @type {Map<string, number>} */
  sizes = new Map();
  /** For each condition the mean share of a word's neighbours that are of its category. @type {number[]} */
  kinMean = [];
  kinChance = 0;

  /** @param {Get} get */
  static async load(get) {
    /** @type {NeighbourMeta} */
    const meta = get("meta");
    const raw = await inflate(get("data"));
    const size = meta.conditions.length * meta.k * meta.words.length;
    if (raw.length !== 2 * size) throw new Error(`expected ${2 * size} bytes of payload, found ${raw.length}`);
    return new NeighbourLists(meta, raw, asBytes(get("places")).length ? await inflate(get("places")) : null);
  }

  /**
   * @param {NeighbourMeta} meta
   * @param {Uint8Array} raw (low or high byte, condition, rank, word)
   * @param {Uint8Array | null} places
   */
  constructor(meta, raw, places) {
    this.meta = meta;
    this.words = meta.words;
    this.conditions = meta.conditions;
    this.k = meta.k;
    this.categories = meta.categories;
    this.controls = meta.controls;
    this.raw = raw;
    this.places = places;
    this.n = meta.words.length;
    this.index = new Map(meta.words.map((word, i) => [word, i]));
    this.folded = meta.words.map((word) => word.toLowerCase());
    this.chance = this.k / (this.n - 1);
    if (this.categories) this.countCategories(this.categories);
  }

  /** @param {(string | null)[]} categories */
  countCategories(categories) {
    const { sizes } = this;
    for (const category of categories) if (category !== null) sizes.set(category, (sizes.get(category) ?? 0) + 1);
    this.kinds = [...sizes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
    const known = categories.flatMap((category, i) =>
      category === null ? [] : [{ i, kin: sizes.get(category) ?? 0 }],
    );
    this.kinChance = known.reduce((sum, { kin }) => sum + kin - 1, 0) / known.length / (this.n - 1);
    this.kinMean = this.conditions.map((_, c) => {
      const lists = known.map(({ i }) => ({ i, near: this.near(c, i) })).filter(({ near }) => near.length);
      return lists.reduce((sum, { i, near }) => sum + this.kinCount(i, near) / this.k, 0) / lists.length;
    });
  }

  /**
   * @param {number} i
   * @param {number[]} list
   */
  kinCount(i, list) {
    return list.filter((j) => this.kin(i, j)).length;
  }

  /**
   * Return how a word's category is drawn, or null beyond what can be told apart.
   *
   * @param {number} i
   */
  style(i) {
    const category = this.categories?.[i] ?? null;
    const kind = category === null ? -1 : this.kinds.indexOf(category);
    return kind < 0 || kind >= COLOURS * SHAPES.length ? null : kindStyle(kind);
  }

  /**
   * Return a word's neighbours, nearest first.
   *
   * @param {number} condition
   * @param {number} i
   */
  near(condition, i) {
    const size = this.raw.length / 2,
      at = (/** @type {number} */ rank) => (condition * this.k + rank) * this.n + i;
    return Array.from({ length: this.k }, (_, rank) => this.raw[at(rank)] + 256 * this.raw[size + at(rank)]).filter(
      (j) => j !== NOBODY,
    );
  }

  /**
   * Return where a word stands on the map, from 0 to 1.
   *
   * @param {number} i
   * @param {0 | 1} axis
   */
  place(i, axis) {
    const o = 4 * i + 2 * axis;
    return this.places ? (this.places[o] + 256 * this.places[o + 1]) / 65535 : NaN;
  }

  /**
   * @param {number} i
   * @param {number} j
   */
  kin(i, j) {
    const { categories } = this;
    return categories !== null && categories[i] !== null && categories[i] === categories[j];
  }

  /** @param {number} i */
  category(i) {
    const category = this.categories?.[i];
    return category ? ` (${short(category)})` : "";
  }

  /**
   * Return the features that two words share; null where features are not known.
   *
   * @param {number} i
   * @param {number} j
   */
  shared(i, j) {
    const { features, feature_names: names } = this.meta;
    return features && names && features[i].filter((f) => features[j].includes(f)).map((f) => names[f]);
  }

  /** @param {string} typed */
  find(typed) {
    const exact = this.index.get(typed);
    return exact ?? this.folded.indexOf(typed.toLowerCase());
  }

  /** @param {string} typed */
  beginning(typed) {
    return typed ? this.words.filter((_, i) => this.folded[i].startsWith(typed.toLowerCase())) : [];
  }

  /**
   * Return a word's lists as a CSV file.
   *
   * @param {number} i
   */
  csv(i) {
    const gold = new Set(this.near(0, i));
    const rows = this.conditions.flatMap((name, c) =>
      this.near(c, i).map((j, rank) => [
        this.words[i],
        name,
        rank + 1,
        this.words[j],
        gold.has(j),
        this.categories ? this.kin(i, j) : "",
      ]),
    );
    return csvFile([["word", "condition", "rank", "neighbour", "also_gold", "same_category"], ...rows]);
  }
}
