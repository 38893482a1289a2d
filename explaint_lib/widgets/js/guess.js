/** Predict, then reveal. Counts, and says what guessing blindly would have given. */

import { button, html, tell } from "./dom.js";

/** @typedef {import("./types.d.ts").Round} Round */

/**
 * Return the probability that someone who guesses gets at least `right` of `rounds`, each with `choices` answers.
 *
 * @param {number} right
 * @param {number} rounds
 * @param {number} choices
 */
export function chanceOf(right, rounds, choices) {
  const p = 1 / choices;
  let sum = 0,
    ways = 1;
  for (let k = 0; k <= rounds; k++) {
    if (k >= right) sum += ways * p ** k * (1 - p) ** (rounds - k);
    ways = (ways * (rounds - k)) / (k + 1);
  }
  return Math.min(1, sum);
}

/**
 * @template V
 * @param {readonly V[]} values
 */
export function shuffled(values) {
  const out = [...values];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** @param {number} p */
export const asPercent = (p) => (p < 0.001 ? "under 0.1%" : `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)}%`);

/** A game of guesses about a figure, with its score. */
export class Guessing {
  right = 0;
  rounds = 0;
  choices = 2;
  /** @type {(Round & { answered: boolean }) | null} */
  round = null;

  /**
   * @param {object} figure
   * @param {string} figure.invite
   * @param {() => Round} figure.deal draws a round and shows it without names
   * @param {() => void} figure.show names everything
   * @param {() => void} figure.leave puts the figure back
   */
  constructor({ invite, deal, show, leave }) {
    this.deal = deal;
    this.show = show;
    this.leave = leave;
    this.said = html("p", { class: "said", role: "status" });
    /** Goes below what is guessed at, so that neither it nor the buttons move when the answer comes. */
    this.told = html("p", { class: "told", role: "status" });
    this.answers = html("div", { class: "bar", role: "group", "aria-label": "Your answer" });
    this.start = button("Guess first", () => this.next(), { class: "button strong" });
    this.invitation = html("span", { class: "muted" }, invite);
    this.extra = html("span");
    this.opening = html("div", { class: "bar" }, this.start, this.extra, this.invitation);
    this.element = html(
      "div",
      { class: "guess", role: "group", "aria-label": "Predict, then reveal" },
      this.opening,
      this.said,
      this.answers,
    );
    this.lay(false);
  }

  /** @param {boolean} playing */
  lay(playing) {
    this.opening.style.display = playing ? "none" : "";
    this.said.style.display = this.answers.style.display = this.told.style.display = playing ? "" : "none";
    this.element.classList.toggle("playing", playing);
  }

  get open() {
    return this.round !== null && !this.round.answered;
  }

  next() {
    const round = { ...this.deal(), answered: false };
    this.round = round;
    if (this.choices !== round.answers.length) this.right = this.rounds = 0; // another game
    this.choices = round.answers.length;
    this.lay(true);
    tell(this.told, round.key ?? "");
    tell(this.said, html("b", {}, round.question), ` ${round.hint ?? ""}`);
    this.offer(
      ...round.answers.map((text, i) => button(text, () => this.answer(round, i), { class: "button strong" })),
    );
  }

  /** @param {...HTMLButtonElement} buttons the first of which gets the focus */
  offer(...buttons) {
    this.answers.replaceChildren(
      ...buttons,
      button("Stop", () => this.stop()),
    );
    buttons[0].focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {Round & { answered: boolean }} round
   * @param {number} i
   */
  answer(round, i) {
    const correct = i === round.right;
    round.answered = true;
    this.rounds += 1;
    this.right += Number(correct);
    this.show();
    tell(this.said, html("b", {}, correct ? "Right. " : "No. "), round.after);
    tell(this.told, this.score(), ` ${round.more ?? ""}`);
    this.offer(button("Next", () => this.next(), { class: "button strong" }));
  }

  score() {
    const p = chanceOf(this.right, this.rounds, this.choices),
      perfect = chanceOf(this.rounds, this.rounds, this.choices);
    let reading = "Guessing would give about the same. Play more rounds before you trust your eye.";
    if (perfect >= 0.05) reading = "There are too few rounds to tell: even a perfect score may be luck.";
    else if (p < 0.05)
      reading = "Guessing seldom does so well, so you see a difference. The game does not show what the difference is.";
    return html(
      "span",
      {},
      `${this.right} of ${this.rounds} so far; blind guessing gets ${(this.rounds / this.choices).toFixed(1)} on average, and does at least as well as you in ${asPercent(p)} of games. ${reading}`,
    );
  }

  /** Forget the round that is open; the score stays for the next one. */
  stop(focus = true) {
    if (!this.round) return;
    this.round = null;
    this.lay(false);
    this.invitation.textContent = this.rounds ? `${this.right} of ${this.rounds} right so far.` : "";
    this.leave();
    if (focus) this.start.focus();
  }
}
