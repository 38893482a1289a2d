/** What stands around the histogram of a NullView. */

import { button, html } from "./dom.js";
import { RULES } from "./nulls_rules.js";
import { CONTROLS, SCORES } from "./nulls_texts.js";
import { shareBox } from "./share.js";

/** @typedef {import("./nulls.js").NullView} NullView */

/**
 * @param {readonly (readonly [string, string])[]} choices
 * @param {(value: string) => void} choose
 */
function selectOf(choices, choose) {
  const select = html("select", {}, ...choices.map(([value, text]) => html("option", { value }, text)));
  select.addEventListener("change", () => choose(select.value));
  return select;
}

export class NullControls {
  /** @param {NullView} view */
  constructor(view) {
    const { meta } = view;
    this.score = selectOf(
      meta.scores.map((name) => [name, SCORES[name].name]),
      (score) => view.choose({ score }),
    );
    this.control = selectOf(
      meta.controls.map((name) => [name, CONTROLS[name].name]),
      (control) => view.choose({ control }),
    );
    this.rule = selectOf(RULES, (rule) => view.choose({ rule }));
    this.typed = html("input", {
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": "What the rule looks for",
      maxlength: 400,
    });
    this.typed.addEventListener("input", () => view.choose({ typed: this.typed.value }));
    this.how = html("p", { class: "muted how" });
    this.matches = html("p", { class: "muted how", role: "status" });
    this.guess = html("input", { type: "range", "aria-labelledby": "question" });
    this.number = html("output", {});
    this.guess.addEventListener("input", () => view.weigh());
    this.commit = button("Commit", () => view.commit(), { class: "button strong" });
    this.question = html("p", { id: "question" }); // the id lives in this shadow root
    this.legend = html("legend", {});
    this.box = html(
      "fieldset",
      { class: "commit" },
      this.legend,
      this.question,
      html("div", { class: "bar" }, this.guess, this.number, this.commit),
    );
    this.plot = html("div", { class: "plot" });
    this.again = button("Shuffle again", () => view.draw(1));
    this.many = button("", () => view.draw(view.left()));
    this.stop = button("Stop", () => view.halt());
    this.seed = html("input", { type: "number", min: 0, max: 999999, step: 1 });
    this.seed.addEventListener("change", () => view.choose({ seed: this.seed.valueAsNumber }));
    this.runs = html(
      "div",
      { class: "bar runs" },
      this.again,
      this.many,
      this.stop,
      html("label", {}, "Seed", this.seed),
    );
    this.result = html("div", { class: "result", role: "status", "aria-live": "polite" });
    this.error = html("p", { class: "error", role: "alert" });
    this.history = html("tbody");
    this.record = html(
      "details",
      {},
      html("summary", {}, "Your predictions so far"),
      html(
        "div",
        { class: "scroll", tabindex: 0, role: "group", "aria-label": "Your predictions so far" },
        html(
          "table",
          {},
          html(
            "thead",
            {},
            html(
              "tr",
              {},
              ...["", "you said", "found", "off by"].map((name, i) =>
                html(i ? "th" : "td", i ? { scope: "col", class: "num" } : {}, name),
              ),
            ),
          ),
          this.history,
        ),
      ),
    );
    const ask = meta.own
      ? [html("label", {}, "The words that", this.rule), this.typed]
      : [
          ...(meta.scores.length > 1 ? [html("label", {}, "Score", this.score)] : []),
          ...(meta.controls.length > 1 ? [html("label", {}, "Control", this.control)] : []),
        ];
    view.box.append(
      html("p", { class: "muted" }, meta.about),
      html("div", { class: "bar ask" }, ...ask),
      ...(meta.own ? [this.matches] : []),
      this.how,
      this.box,
      this.plot,
      this.runs,
      this.error,
      this.result,
      this.record,
      shareBox(view, view.model.onPage === true),
    );
  }
}
