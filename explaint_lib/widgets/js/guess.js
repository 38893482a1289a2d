// ---- guess.js: predict, then reveal. Counts, and says what guessing blindly would have given ----
// The probability that someone who guesses gets at least `right` of `rounds`, each with `choices` answers.
function chanceOf(right, rounds, choices) {
  const p = 1 / choices;
  let sum = 0,
    ways = 1;
  for (let k = 0; k <= rounds; k++) {
    if (k >= right) sum += ways * p ** k * (1 - p) ** (rounds - k);
    ways = (ways * (rounds - k)) / (k + 1);
  }
  return Math.min(1, sum);
}
function shuffled(values) {
  const out = [...values];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const asPercent = (p) => (p < 0.001 ? "under 0.1%" : `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)}%`);

// `deal()` draws a round, shows it without names and returns {question, answers, right, after}; `show()` names
// everything; `leave()` puts the figure back. All three are the figure's own.
class Guessing {
  constructor({ invite, deal, show, leave }) {
    Object.assign(this, { deal, show, leave, right: 0, rounds: 0, choices: 2, round: null });
    this.said = html("p", { role: "status" });
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
  lay(playing) {
    this.opening.style.display = playing ? "none" : "";
    this.said.style.display = this.answers.style.display = playing ? "" : "none";
    this.element.classList.toggle("playing", playing);
  }
  get open() {
    return this.round !== null && !this.round.answered;
  }
  next() {
    this.round = { ...this.deal(), answered: false };
    if (this.choices !== this.round.answers.length) this.right = this.rounds = 0; // another game
    this.choices = this.round.answers.length;
    this.lay(true);
    tell(this.said, html("b", {}, this.round.question), ` ${this.round.hint ?? ""}`);
    this.answers.replaceChildren(
      ...this.round.answers.map((text, i) => button(text, () => this.answer(i), { class: "button strong" })),
      button("Stop", () => this.stop()),
    );
    this.answers.firstChild.focus();
  }
  answer(i) {
    const { right, after } = this.round;
    this.round.answered = true;
    this.rounds += 1;
    this.right += i === right;
    this.show();
    tell(this.said, html("b", {}, i === right ? "Right. " : "No. "), `${after} `, this.score());
    this.answers.replaceChildren(
      button("Next", () => this.next(), { class: "button strong" }),
      button("Stop", () => this.stop()),
    );
    this.answers.firstChild.focus();
  }
  score() {
    const p = chanceOf(this.right, this.rounds, this.choices),
      perfect = chanceOf(this.rounds, this.rounds, this.choices);
    let reading = "That is what guessing gives too; go on before you believe in your eye.";
    if (perfect >= 0.05) reading = "Too few rounds to tell: even without a mistake, guessing remains likely.";
    else if (p < 0.05) reading = "Guessing seldom does so well: you see a difference. What it is a difference in remains to be shown.";
    return html(
      "span",
      {},
      `${this.right} of ${this.rounds} so far; blind guessing gets ${(this.rounds / this.choices).toFixed(1)} on average, and does at least as well as you in ${asPercent(p)} of games. ${reading}`,
    );
  }
  // Forget the round that is open; the score stays for the next one.
  stop(focus = true) {
    if (!this.round) return;
    this.round = null;
    this.lay(false);
    this.invitation.textContent = this.rounds ? `${this.right} of ${this.rounds} right so far.` : "";
    this.leave();
    if (focus) this.start.focus();
  }
}
