"""What stands in a file does nothing anywhere: to a terminal, to a spreadsheet, on a page or in a picture."""

from __future__ import annotations

import ast
import unicodedata

import pytest
from conftest import ROOT
from hostile import HOSTILE, LONE, STRINGS

from explaint_lib._common import printable

each = pytest.mark.parametrize("text", [*STRINGS, LONE], ids=[*HOSTILE, "lone"])


def acts(shown: str) -> list[str]:
    """Return the characters of a terminal's output that are no letters: what moves the cursor, colours or hides."""
    joiners = "\u200c\u200d"  # scripts need them
    return [
        c for c in shown if c != "\n" and c not in joiners and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]


# -- terminal ----------------------------------------------------------------------------------------------------------


@each
def test_printable_text_does_nothing_and_loses_nothing(text: str):
    shown = printable(text)
    assert not acts(shown) and "\n" not in shown
    shown.encode("utf8")
    if text.isprintable():
        assert shown == text
    # what was escaped can be told from the escape
    for character in set(text) - set(shown):
        assert character.encode("unicode_escape").decode("ascii") in shown


def test_joiners_stay_where_a_script_needs_them_and_are_shown_where_they_hide():
    assert printable("نمی\u200cخواهم क्\u200dष 👩\u200d🔬") == "نمی\u200cخواهم क्\u200dष 👩\u200d🔬"
    assert printable("ca\u200ct \u200dx") == "ca\\u200ct \\u200dx"
    assert printable("naïve 日本 \xa0 _") == "naïve 日本 \xa0 _"


def test_commands_print_through_the_one_way_to_the_terminal():
    """`say` and `Terminal` make foreign text harmless; whoever prints past them is found here."""
    past = []
    for path in sorted((ROOT / "explaint_lib" / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            if isinstance(node, ast.ImportFrom) and node.module in ("rich", "rich.console", "rich.markup"):
                past += [path.name] if path.name != "_terminal.py" else []
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "print", "typer.echo", "typer.secho", "click.echo", "sys.stdout.write", "sys.stderr.write",
                "Text.from_markup", "Text.from_ansi",
            ):  # fmt: skip
                past.append(f"{path.name}: {ast.unparse(node)[:60]}")
    assert past == []
