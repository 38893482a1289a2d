"""``explaint attribution``: do maps of attention say what happens when a token is changed? Every method, one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaint_lib._common import check_writable
from explaint_lib.cli._options import Device, JsonFile, ModelName, Revision, Seed, TextFile, read_sentences
from explaint_lib.cli._show import plain_table, short, write_result
from explaint_lib.cli._terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from explaint_lib.results import Result

_BUNDLED, _WORDS = 20, 12  # how many of the bundled sentences, and of how many words at most
_ROOM_FOR_BOTH = 100  # terminal columns; below that, one causal measure at a time


def attribution(
    model: ModelName,
    text: TextFile = None,
    seed: Seed = 0,
    device: Device = "cpu",
    revision: Revision = None,
    json_file: JsonFile = None,
) -> None:
    """Ask of every attention map whether it says what happens.

    A map of attention is read as "this token got that from there". Nine
    methods draw such a map, and they disagree. So each is held against two
    causal measures, for which the model runs again:

    \b
    token exchanged   another token of the same frequency in its place
    values ablated    nobody can read the token, in any layer

    The tokens of each row are ranked by both maps, and the rankings
    correlated. What such a number is worth is said by two more maps:

    \b
    distance alone    made without any model: the floor. A method that
                      agrees no better has shown you a ruler.
    exchanged again   the same measure with other tokens: the ceiling

    Then two things that decide what a picture may be called: which share of
    the weight goes to sinks (special tokens, a decoder's first position), and
    which share of a state is its own after one attention block.

    The text is one sentence a line, of five words or more; without one, the
    first short sentences bundled with explaint. Time grows fast with the
    length of a sentence and the depth of the model. The JSON file holds the
    agreement of every two maps for every text, by tokens and by words, with
    and without sinks, and tests against distance and against raw attention.

    \b
    Examples:
      explaint attribution --model minilm
      explaint attribution --model smollm2 --text my.txt --json my.json
    """
    if json_file is not None:
        check_writable(json_file)
    given = None if text is None else read_sentences(text)
    from explaint_lib.attribution import compare_methods
    from explaint_lib.encoders import load_encoder
    from explaint_lib.experiments.continuity import bundled_sentences

    few = [sentence for sentence in bundled_sentences() if len(sentence.split()) <= _WORDS][:_BUNDLED]
    sentences, labels = (few, None) if given is None else given
    encoder = load_encoder(model, revision=revision, device=device, progress=True)
    result = compare_methods(encoder, sentences, seed=seed, labels=labels, progress=True).result
    _show(result, "bundled sentences" if text is None else text.name)
    write_result(result, json_file)


def _show(result: Result, source: str) -> None:
    """Print the agreement with what happens, and where weight and states go."""
    from explaint_lib.attribution import CAUSAL

    console = Terminal()
    about = result.manifest
    n_texts = about["data"]["n_texts"]
    console.print(f"\n{about['model']['name']} on {source}: {n_texts} texts, seed {about['seed']}", style="bold")
    console.print("\nAgreement with what happens", style="bold")
    console.print(
        "Mean rank correlation with each causal measure, tokens without sinks; in brackets what a method has beyond "
        "distance alone, its 95 % interval over texts, and p.",
        style="dim",
    )
    for causes in [CAUSAL] if console.width >= _ROOM_FOR_BOTH else [(cause,) for cause in CAUSAL]:
        console.print(_agreement(result, causes))
    console.print("\nWhere the weight goes, and what stays", style="bold")
    console.print(
        "Of what ordinary positions take from others, the share credited to sinks; and the share of a state that is "
        "its own after an attention block. Means over texts.",
        style="dim",
    )
    console.print(_shares(result))
    console.print(
        "\nA map may be called what flows where it agrees with both measures better than distance does, and not for "
        "other models or texts. p: one-sided, over texts, not corrected for the number of rows."
        + (" With so few texts no p can be small." if n_texts < 8 else "")
    )


def _agreement(result: Result, causes: Sequence[str]) -> Table:
    from explaint_lib.attribution import AVERAGED, CAUSAL, METHODS
    from explaint_lib.results import pick

    def mean(one: str, other: str) -> str:
        between = rows[rows.method.isin((one, other)) & rows.other.isin((one, other))]
        return short(float(between.value.mean())) if len(between) else ""

    rows = pick(result.rows, metric="agreement", level="tokens")
    table = plain_table("method", causes)
    for method in (*METHODS, *AVERAGED):
        cells = []
        for cause in causes:
            beyond = ""
            if len(result.tests):
                score = f"agreement with {cause}"
                test = pick(result.tests, level="tokens", method=method, control="nearness", score=score).iloc[0]
                beyond = f" ({test.difference:+.2f} [{test.ci_low:+.2f} {test.ci_high:+.2f}] p {test.p_value:.2g})"
            cells.append(mean(method, cause) + beyond)
        table.add_row(method, *cells)
    table.add_row("distance alone", *(mean("nearness", cause) for cause in causes), style="dim")
    if CAUSAL[0] in causes:
        table.add_row("exchanged again", mean("exchanged again", CAUSAL[0]), style="dim")
    return table


def _shares(result: Result) -> Table:
    from explaint_lib.results import pick

    depth = int(result.rows.layer.max())
    layers = sorted({1, (depth + 1) // 2, depth})
    table = plain_table("share", [f"layer {layer}" for layer in layers] + ["all layers"])
    sinks = pick(result.rows, metric="share_to_sinks")
    parts = {f"to sinks: {method}": found for method, found in sinks.groupby("method", sort=False)}
    for label, found in (parts | {"kept: own share of a state": pick(result.rows, metric="kept")}).items():
        means = [found[found.layer == layer].value.mean() for layer in layers] + [found.value.mean()]
        table.add_row(label, *("" if mean != mean else short(mean) for mean in means))  # NaN: there is no sink
    return table
