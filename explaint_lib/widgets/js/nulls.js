/** The reader says where a control will land, then draws it: a null that grows under the observed score. */

import { inflate } from "./bytes.js";
import { html, once, tell } from "./dom.js";
import { followTheme, mount } from "./frame.js";
import { Bench } from "./nulls_bench.js";
import { NullControls } from "./nulls_controls.js";
import { worldOf } from "./nulls_data.js";
import { pictureOf } from "./nulls_picture.js";
import { LEAST, RULES, ruleName, wordsWith } from "./nulls_rules.js";
import { CSS } from "./nulls_style.js";
import { CONTROLS, controlTexts, mean, ownTexts, SCORES, two } from "./nulls_texts.js";
import { living } from "./page.js";
import { isPlace } from "./share.js";
import { visible } from "./text.js";

/**
 * @typedef {import("./types.d.ts").Model} Model
 * @typedef {import("./types.d.ts").View} View
 * @typedef {import("./types.d.ts").ViewState} ViewState
 * @typedef {import("./nulls_data.js").World} World
 */
/**
 * @typedef {object} Meta
 * @property {number} n
 * @property {number} p
 * @property {number} m
 * @property {string[]} words
 * @property {number[]} kinds
 * @property {number[]} folds
 * @property {number} penalty
 * @property {string} about
 * @property {string[]} controls
 * @property {string[]} scores
 * @property {boolean} own
 * @property {Record<string, number>} observed
 */
/** @typedef {{ score: string, control: string, rule: string, typed: string, seed: number }} Choice */
/** @typedef {{ name: string, guess: number, observed: number, drawn: number[], seed: number }} Run one experiment of the reader */

const MANY = 199,
  SLICE = 24; // milliseconds of work before the page may answer the reader
const MOST_SEED = 999999;

/** @implements {View} */
export class NullView {
  /** @type {Map<string, Run>} */
  runs = new Map();
  /** @type {Map<string, number>} what the slider showed before it was committed */
  weighed = new Map();
  turn = 0; // of the drawing that goes on; another one ends it
  busy = false;
  width = 0;
  quit = new AbortController();

  /**
   * @param {Model} model
   * @param {Element} el
   * @param {World} world
   */
  constructor(model, el, world) {
    this.model = model;
    this.bench = new Bench(world);
    this.meta = /** @type {Meta} */ (model.get("meta"));
    /** @type {Choice} */
    this.choice = { score: this.meta.scores[0], control: this.meta.controls[0], rule: "begins", typed: "b", seed: 1 };
    this.box = mount(el, CSS, model.get("label"));
    this.controls = new NullControls(this);
    followTheme(this.box, () => {}, this.quit.signal);
    this.redraw = once(() => this.refresh());
    this.sight = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);
      if (width === this.width) return;
      this.width = width;
      this.redraw();
    });
    this.sight.observe(this.controls.plot);
    this.refresh();
  }

  close() {
    this.halt();
    this.quit.abort();
    this.sight.disconnect();
  }

  // -- what is asked --
  get score() {
    return this.meta.own ? "auc" : this.choice.score;
  }

  get key() {
    const { score, control, rule, typed, seed } = this.choice;
    return JSON.stringify(this.meta.own ? [rule, rule === "coin" ? seed : typed.trim()] : [score, control]);
  }

  get name() {
    const { score, control, rule, typed } = this.choice;
    if (this.meta.own) return ruleName(rule, visible(typed));
    return this.meta.scores.length > 1 ? `${CONTROLS[control].name}, ${SCORES[score].name}` : CONTROLS[control].name;
  }

  /** The ends of the axis. @returns {[number, number]} */
  get ends() {
    const low = SCORES[this.score].low ?? 0;
    if (low > 0) return [low, 1];
    return [0, Math.min(1, Math.ceil(16 * this.meta.observed[this.score]) / 10)];
  }

  get run() {
    return this.runs.get(this.key);
  }

  get has() {
    const { rule, typed, seed } = this.choice;
    return wordsWith(rule, typed, this.meta.words, seed);
  }

  /** Why the reader's own feature cannot be asked about; empty where it can. */
  get lacks() {
    if (!this.meta.own) return "";
    const has = this.has;
    if (!has)
      return this.choice.rule === "longer" ? "Type a number." : "Type letters, or words with commas between them.";
    const count = has.filter(Boolean).length;
    if (count < LEAST || has.length - count < LEAST)
      return `${count} of ${has.length} words have this feature; at least ${LEAST} must have it, and ${LEAST} must not.`;
    return "";
  }

  left() {
    const count = this.run?.drawn.length ?? 0;
    return count < MANY ? MANY - count : MANY;
  }

  /** @param {Partial<Choice>} change */
  choose(change) {
    this.halt();
    const seed = change.seed ?? this.choice.seed;
    const fits = Number.isInteger(seed) && seed >= 0 && seed <= MOST_SEED;
    Object.assign(this.choice, change, { seed: fits ? seed : this.choice.seed });
    const run = this.run;
    if (run && run.seed !== this.choice.seed) Object.assign(run, { drawn: [], seed: this.choice.seed });
    this.refresh();
  }

  weigh() {
    this.weighed.set(this.key, this.controls.guess.valueAsNumber);
    this.controls.number.value = two(this.controls.guess.valueAsNumber);
    this.drawPicture();
  }

  // -- what is computed --
  commit() {
    if (this.lacks || this.run) return;
    const { bench, score } = this;
    const guess = this.controls.guess.valueAsNumber;
    const observed = this.meta.own ? bench.feature(this.has ?? []) : bench.observed(score);
    const drawn = this.constant ? [bench.constant(score)] : [];
    this.runs.set(this.key, { name: this.name, guess, observed, drawn, seed: this.choice.seed });
    this.refresh();
    this.announce();
    if (this.drawable) this.controls.again.focus();
  }

  /** @param {Run} run */
  drawn({ seed, drawn }) {
    if (this.meta.own) return this.bench.shuffledFeature(this.has ?? [], seed, drawn.length);
    return this.bench.drawn(this.score, this.choice.control, seed, drawn.length);
  }

  get constant() {
    return !this.meta.own && this.choice.control === "constant";
  }

  get drawable() {
    return this.run !== undefined && !this.constant;
  }

  /** @param {number} count */
  async draw(count) {
    const run = this.run;
    if (!run || this.busy) return;
    const turn = ++this.turn;
    this.busy = true;
    this.arrange();
    if (count > 1) tell(this.controls.result, `Drawing ${count} times…`);
    const last = run.drawn.length + count;
    while (run.drawn.length < last) {
      const until = performance.now() + SLICE;
      do run.drawn.push(this.drawn(run));
      while (run.drawn.length < last && performance.now() < until);
      this.drawPicture();
      await new Promise((go) => setTimeout(go));
      if (turn !== this.turn) return;
    }
    this.halt();
    this.arrange();
    this.announce();
  }

  /** End the drawing that goes on; what was drawn stays. */
  halt() {
    this.turn++;
    if (!this.busy) return;
    this.busy = false;
    this.arrange();
    this.announce();
  }

  // -- what is shown --
  refresh() {
    const { controls, choice, meta, score } = this;
    const [low, high] = this.ends;
    controls.score.value = choice.score;
    controls.control.value = choice.control;
    controls.rule.value = choice.rule;
    if (controls.typed.value !== choice.typed) controls.typed.value = choice.typed;
    controls.typed.style.display = choice.rule === "coin" ? "none" : "";
    controls.seed.value = String(choice.seed);
    Object.assign(controls.guess, { min: low, max: high, step: 0.01 });
    const guess = this.run?.guess ?? this.weighed.get(this.key) ?? Number(two((low + high) / 2));
    controls.guess.value = String(guess);
    controls.number.value = two(guess);
    tell(controls.legend, this.run ? "What you said" : "First say what you expect");
    const { name, what } = SCORES[score];
    const control = CONTROLS[choice.control].name;
    tell(
      controls.question,
      meta.own ? `Which ${name} will your feature have?` : `Where will ${name} land with ${control}?`,
    );
    const how = meta.own ? "" : `${CONTROLS[choice.control].how} `;
    tell(controls.how, `${how}${name[0].toUpperCase()}${name.slice(1)}: ${what}`);
    if (meta.own) {
      const has = this.has ?? [];
      const some = meta.words.filter((_, i) => has[i]);
      const count = `${some.length} of ${meta.n} words: ${some.slice(0, 6).join(", ")}${some.length > 6 ? ", …" : ""}`;
      tell(controls.matches, this.lacks || count);
    }
    this.arrange();
    this.drawPicture();
    this.announce();
    this.list();
  }

  /** What may be pressed now. */
  arrange() {
    const { controls, run, busy } = this;
    const locked = !this.drawable || busy;
    controls.box.classList.toggle("done", run !== undefined);
    controls.guess.disabled = run !== undefined || this.lacks !== "";
    controls.commit.style.display = run ? "none" : "";
    controls.commit.disabled = this.lacks !== "";
    controls.again.disabled = controls.many.disabled = locked;
    controls.again.textContent = run?.drawn.length ? "Shuffle again" : "Shuffle once";
    controls.many.textContent = `Shuffle ${this.left()} times`;
    controls.stop.style.display = busy ? "" : "none";
    controls.runs.style.display = this.constant ? "none" : "";
  }

  drawPicture() {
    const { run, meta, controls, constant } = this;
    const [low, high] = this.ends;
    const picture = pictureOf(
      {
        low,
        high,
        guess: run?.guess ?? controls.guess.valueAsNumber,
        guessName: run ? "you said" : "your prediction",
        observed: meta.own ? (run?.observed ?? null) : meta.observed[this.score],
        observedName: meta.own ? "your feature" : this.width < 420 ? "as they are" : "norms as they are",
        drawn: run?.drawn ?? [],
        single: constant,
        drawnName: constant ? "the constant" : "drawn, mean",
      },
      Math.max(240, this.width || 600),
    );
    controls.plot.replaceChildren(picture);
  }

  announce() {
    if (this.busy) return; // what is said is said once, at the end
    const { run, choice, constant } = this;
    let texts;
    if (!run) texts = ["Nothing is drawn until you have said where it will land."];
    else if (this.meta.own) texts = ownTexts(this.name, run, this.bench.usual);
    else if (!run.drawn.length) texts = [`You said ${two(run.guess)}. Now shuffle.`];
    else texts = controlTexts(choice.score, choice.control, run);
    if (run && !constant && run.drawn.length) texts[0] += ` (Seed ${run.seed}.)`;
    tell(this.controls.result, ...texts.map((text) => html("p", {}, text)));
    this.list();
  }

  /** The reader's predictions, and how far off they were. */
  list() {
    const rows = [...this.runs.values()]
      .map((run) => ({ run, found: this.meta.own ? run.observed : mean(run.drawn) }))
      .filter(({ found }) => Number.isFinite(found));
    this.controls.record.style.display = rows.length ? "" : "none";
    const cells = rows.map(({ run, found }) =>
      html(
        "tr",
        {},
        html("th", { scope: "row" }, run.name),
        ...[two(run.guess), two(found), two(Math.abs(run.guess - found))].map((text) =>
          html("td", { class: "num" }, text),
        ),
      ),
    );
    this.controls.history.replaceChildren(...cells);
  }

  // -- what a link holds --
  /** @returns {ViewState} */
  snapshot() {
    const { run, choice } = this;
    return { kind: "nulls", ...choice, guess: run?.guess ?? null, draws: run?.drawn.length ?? 0 };
  }

  /** @param {ViewState} state */
  restore(state) {
    const { meta } = this;
    this.halt();
    const one = (/** @type {unknown} */ value, /** @type {string[]} */ of, /** @type {string} */ now) =>
      typeof value === "string" && of.includes(value) ? value : now;
    const { choice } = this;
    this.choose({
      score: one(state.score, meta.scores, choice.score),
      control: one(state.control, meta.controls, choice.control),
      rule: one(
        state.rule,
        RULES.map(([name]) => name),
        choice.rule,
      ),
      typed: typeof state.typed === "string" ? state.typed.slice(0, 400) : choice.typed,
      seed: isPlace(state.seed, MOST_SEED + 1) ? state.seed : choice.seed,
    });
    const [low, high] = this.ends;
    if (!(typeof state.guess === "number" && state.guess >= low && state.guess <= high)) return;
    this.controls.guess.value = String(state.guess);
    this.runs.delete(this.key);
    this.commit();
    if (this.drawable && isPlace(state.draws, 2 * MANY + 1) && state.draws > 0) this.draw(state.draws);
  }
}

export default living(async ({ model, el }) => {
  const [vectors, cells] = await Promise.all([inflate(model.get("vectors")), inflate(model.get("cells"))]);
  return new NullView(model, el, worldOf(model.get("meta"), vectors, cells));
});
