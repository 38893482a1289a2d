"""`report.html`: one page that needs nothing else, no network and no program, on paper and on a phone."""

from __future__ import annotations

import io
from collections.abc import Mapping
from html import escape
from typing import Any

from explaint_lib._common import printable
from explaint_lib.audit._words import changed, interval, notes, number, rates

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--paper:#fff;--line:#c9d0d8;--soft:#f2f5f8;--strong:#0b4f8a}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaef;--paper:#14181d;--line:#414b57;--soft:#1e252d;--strong:#8cc4f5}}
body{margin:0 auto;max-width:58rem;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,sans-serif}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem;border-top:1px solid var(--line);padding-top:1rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}.wide{overflow-x:auto}
th,td{border-bottom:1px solid var(--line);padding:.35rem .5rem;text-align:left;vertical-align:top}
th{background:var(--soft)}code{overflow-wrap:anywhere}.warn{border-left:4px solid #b3261e;padding:.3rem .8rem;
background:var(--soft)}.verdict{color:var(--strong);font-weight:600}figure{margin:1rem 0;background:#fff;
border-radius:6px;padding:.5rem}figure svg{width:100%;height:auto}figcaption{color:#1c2430;font-size:.9rem}
dt{font-weight:600}dd{margin:0 0 .6rem}@media print{h2{break-after:avoid}tr{break-inside:avoid}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(results: Mapping[str, Any]) -> str:
    """Return the report as HTML, everything foreign escaped."""
    about, claims = results["claim_file"], results["claims"]
    warned = changed(results)
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>Audit of {_text(about['name'])}</title><style>{_STYLE}</style></head><body><main>",
        "<h1>Audit</h1>",
        f"<p>Claim file {_text(about['name'])}, SHA-256 <code>{_text(about['sha256'])}</code>; profile "
        f"{_text(results['made_with']['profile'])}; explaint {_text(results['made_with']['explaint'])}.</p>",
        f'<p class="warn"><strong>{_text(warned)}</strong></p>' if warned else "",
        _table(["claim", "verdict"], [[one["sentence"], one["verdict"]] for one in claims]),
        _forest(claims),
        *map(_section, claims),
        "</main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _text(text: object) -> str:
    return escape(printable(text))


def _table(heads: list[str], rows: list[list[Any]]) -> str:
    above = "".join(f'<th scope="col">{_text(head)}</th>' for head in heads)
    lines = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{above}</tr></thead><tbody>{lines}</tbody></table></div>'


def _section(claim: Mapping[str, Any]) -> str:
    subject = claim["model"].get("name") or "a model"
    data = claim["data"].get("norms") or claim["data"].get("name") or "these data"
    rows = [
        [
            row["control"], row["keeps"], row["score"], interval(row),
            number(row["margin"]) + ("" if row["reachable"] is not False else ", out of reach"),
            "-" if row["p_holm"] is None else f"{row['p_holm']:.2g}", row["n"], rates(row),
        ]
        for row in claim["controls"]
    ]  # fmt: skip
    heads = ["control", "what it keeps", "score", "observed - control", "margin", "p (Holm)", "units"]
    listed = "".join(f"<li>{_text(note)}</li>" for note in notes(claim))
    levels = [[name, number(value)] for name, value in claim["levels"].items()]
    terms = {
        "You may write": claim["may"],
        "You may not write": claim["may_not"],
        "It assumes": claim["assumes"],
        "The most that this evidence could show": claim["at_most"],
    }
    return "\n".join(
        [
            f'<section><h2 id="{_text(claim["id"])}">{_text(claim["sentence"])}</h2>',
            f'<p><span class="verdict">{_text(claim["verdict"])}</span> (of {_text(subject)}, on {_text(data)})</p>',
            _table([*heads, "false alarms, power"], rows),
            _table(["level", "value"], levels) if levels else "",
            f"<ul>{listed}</ul>" if listed else "",
            "<dl>" + "".join(f"<dt>{name}</dt><dd>{_text(said)}</dd>" for name, said in terms.items()) + "</dl>",
            "</section>",
        ]
    )


def _forest(claims: list[Mapping[str, Any]]) -> str:
    """Return the forest plot as SVG inside a figure; the same results give the same bytes."""
    import matplotlib
    import pandas as pd
    from matplotlib.figure import Figure

    from explaint_lib.plotting import forest_legend, forest_plot

    said = [one["sentence"] for one in claims]  # of two models, say: told apart by their ids
    labels = {one["id"]: s if said.count(s) == 1 else f"{s} ({one['id']})" for one, s in zip(claims, said, strict=True)}
    columns = ["control", "difference", "ci_low", "ci_high", "margin", "score"]
    rows = [
        {name: row[name] for name in columns}
        | {"claim": labels[one["id"]], "word": one["word"], "verdict": one["verdict"]}
        for one in claims
        for row in one["controls"]
    ]
    if not rows:
        return ""
    table = pd.DataFrame(rows).astype(dict.fromkeys(columns[1:5], "float64"))
    names = list(labels.values())
    with matplotlib.rc_context({"svg.hashsalt": "explaint", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(7, 1.2 + 0.75 * len(names)), layout="constrained")
        axes = forest_plot(figure.subplots(), table, names)
        axes.set_xlabel("observed - control, in units of the smallest difference that would matter")
        figure.legend(handles=forest_legend(table), loc="outside lower center", ncols=4, frameon=False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    drawn = file.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace("<svg", '<svg role="img" aria-label="Forest plot of the claims"', 1)
    caption = "Each claim beside the control that decides it. Between the grey limits a difference would not matter."
    return f"<figure>{drawn}<figcaption>{caption}</figcaption></figure>"
