/** Predict, then reveal, for lists: which of them did the named condition make? */

import { html } from "./dom.js";
import { Guessing, LETTERS, shuffled } from "./guess.js";
import { visible } from "./text.js";

/** @param {import("./neighbourhood.js").NeighbourhoodView} view */
export function neighbourhoodGuessing(view) {
  const { lists } = view,
    rivals = lists.conditions.map((_, c) => c).slice(1),
    dealable = rivals.length > 1 ? rivals : [0, 1]; // with one rival only, the reference itself is the other list
  /** @type {number[]} */
  let deck = [];
  /** @type {string | null} */
  let before = null;
  const target = html("select", {}, ...rivals.map((c) => html("option", { value: c }, lists.conditions[c])));
  // A word whose lists are all there, and differ.
  const draw = (/** @type {number} */ claim) => {
    for (let tries = 0; tries < 2 * lists.n; tries++) {
      if (!deck.length) deck = shuffled(Array.from({ length: lists.n }, (_, i) => i));
      const word = Number(deck.pop()),
        texts = dealable.map((c) => lists.near(c, word).join());
      const twin = dealable.some((c, i) => c !== claim && texts[i] === texts[dealable.indexOf(claim)]);
      if (texts.every(Boolean) && !twin) return word;
    }
    return 0;
  };
  const deal = () => {
    const claim = +target.value,
      name = lists.conditions[claim],
      word = draw(claim);
    before ??= view.model.get("word");
    const dealt = { order: shuffled(dealable), named: false };
    view.dealt = dealt;
    view.put({ word: lists.words[word] });
    view.refresh();
    const right = dealt.order.indexOf(claim);
    return {
      question: `“${visible(lists.words[word])}”: which list is “${name}”?`,
      hint: dealable.includes(0) ? "" : `“${lists.conditions[0]}” is not among them.`,
      answers: dealt.order.map((_, slot) => `List ${LETTERS[slot]}`),
      right,
      after: `“${name}” was list ${LETTERS[right]}.`,
    };
  };
  const guessing = new Guessing({
    invite: "The lists without their names: can you tell them apart?",
    deal,
    show() {
      if (view.dealt) view.dealt.named = true;
      view.refresh();
    },
    leave() {
      view.dealt = null;
      view.put({ word: before });
      before = null;
      view.refresh();
    },
  });
  if (rivals.length > 1) guessing.extra.append(html("label", {}, "Find", target));
  target.addEventListener("change", () => Object.assign(guessing, { right: 0, rounds: 0 })); // another game
  return guessing;
}
