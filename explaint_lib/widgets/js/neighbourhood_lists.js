// ---- neighbourhood_lists.js: who is near whom, under which condition, and of which category. Draws no figure ----
const NOBODY = 0xffff; // "no neighbour": the word's vector is zero under that condition

const COLOURS = 6; // for a reader of any colour vision; 24 categories with the four shapes
const SHAPES = [
  [12, 0], // corners and first angle in quarters of a turn; 12 corners are a disc
  [4, 0.5],
  [4, 0],
  [3, -1],
];
const kindStyle = (kind) => [kind % COLOURS, (kind + Math.floor(kind / COLOURS)) % SHAPES.length];
// The corners of a shape around (x, y).
function corners(shape, x, y, r) {
  const [n, start] = SHAPES[shape];
  return Array.from({ length: n }, (_, i) => {
    const angle = (start * Math.PI) / 2 + (2 * Math.PI * i) / n;
    return [x + r * Math.cos(angle), y + r * Math.sin(angle)];
  });
}
// A small picture of a category, for lists and keys; `style` as NeighbourLists.style gives it.
const swatch = (style) =>
  svg(
    "svg",
    { class: "swatch", viewBox: "0 0 12 12", "aria-hidden": "true" },
    style
      ? svg("polygon", { points: corners(style[1], 6, 6, 5).map((p) => p.map((v) => v.toFixed(1)).join()).join(" "), fill: `var(--kind${style[0]})` })
      : svg("circle", { cx: 6, cy: 6, r: 2.5, fill: "var(--edge)" }),
  );

// What the page was given: which words are near which, under each condition.
class NeighbourLists {
  static async load(get) {
    const meta = get("meta"),
      raw = await inflate(get("data")),
      size = meta.conditions.length * meta.k * meta.words.length;
    if (raw.length !== 2 * size) throw new Error(`expected ${2 * size} bytes of payload, found ${raw.length}`);
    return new NeighbourLists(meta, raw, asBytes(get("places")).length ? await inflate(get("places")) : null);
  }
  constructor(meta, raw, places) {
    Object.assign(this, meta, { raw, places, n: meta.words.length });
    this.index = new Map(meta.words.map((word, i) => [word, i]));
    this.folded = meta.words.map((word) => word.toLowerCase());
    this.chance = this.k / (this.n - 1);
    if (this.categories) this.countCategories();
  }
  // Categories, largest first, and for each condition the mean share of a word's neighbours that are of its category.
  countCategories() {
    const size = new Map();
    for (const category of this.categories) if (category !== null) size.set(category, (size.get(category) ?? 0) + 1);
    this.kinds = [...size].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
    this.kindOf = new Map(this.kinds.map((name, i) => [name, i]));
    this.sizes = size;
    const known = this.categories.flatMap((category, i) => (category === null ? [] : [i]));
    this.kinChance = known.reduce((sum, i) => sum + size.get(this.categories[i]) - 1, 0) / known.length / (this.n - 1);
    this.kinMean = this.conditions.map((_, c) => {
      const shares = known.map((i) => this.near(c, i)).map((list, at) => (list.length ? this.kinCount(known[at], list) / this.k : NaN));
      const given = shares.filter((share) => !Number.isNaN(share));
      return given.reduce((sum, share) => sum + share, 0) / given.length;
    });
  }
  kinCount(i, list) {
    return list.filter((j) => this.kin(i, j)).length;
  }
  // How a category is drawn: [number of its colour, number of its shape], or null beyond what can be told apart.
  style(i) {
    const kind = this.kindOf?.get(this.categories[i]);
    return kind === undefined || kind >= COLOURS * SHAPES.length ? null : kindStyle(kind);
  }
  near(condition, i) {
    const size = this.raw.length / 2,
      at = (rank) => (condition * this.k + rank) * this.n + i;
    return Array.from({ length: this.k }, (_, rank) => this.raw[at(rank)] + 256 * this.raw[size + at(rank)]).filter(
      (j) => j !== NOBODY,
    );
  }
  place(i, axis) {
    const o = 4 * i + 2 * axis;
    return (this.places[o] + 256 * this.places[o + 1]) / 65535;
  }
  kin(i, j) {
    return Boolean(this.categories) && this.categories[i] !== null && this.categories[i] === this.categories[j];
  }
  category(i) {
    return this.categories?.[i] ? ` (${short(this.categories[i])})` : "";
  }
  shared(i, j) {
    return this.features[i].filter((f) => this.features[j].includes(f)).map((f) => this.feature_names[f]);
  }
  find(typed) {
    const exact = this.index.get(typed);
    return exact ?? this.folded.indexOf(typed.toLowerCase());
  }
  beginning(typed) {
    return typed ? this.words.filter((_, i) => this.folded[i].startsWith(typed.toLowerCase())) : [];
  }
}
