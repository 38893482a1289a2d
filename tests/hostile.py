"""Strings that someone may put into a file: one list, sent through every channel by test_hostile.py and tests/browser.

Where one of them did something, it would be seen: scripts set ``window.explaintPwned`` or load from a host that is
not there, terminal sequences are bytes below 32, formulas begin a cell. None can be a file's name as it stands.
"""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser

HOSTILE = {
    # pages
    "script": "<script>window.explaintPwned=1</script>",
    "handler": "<img src=x onerror=window.explaintPwned=1>",
    "svg": "<svg/onload=window.explaintPwned=1>",
    "attribute": '" onmouseover="window.explaintPwned=1" x=\'',
    "end_script": "</script><script>window.explaintPwned=1//",
    "comment": "<!--<script>",
    "cdata": "]]><script>window.explaintPwned=1</script>",
    "foreign": "<foreignObject><body onload=window.explaintPwned=1>",
    "entity": "&lt;b&gt;&amp;&#60;i&#62;",
    "address": "javascript:window.explaintPwned=1",
    "style": "</style><style>*{display:none}",
    # markdown, MyST and mathematics
    "link": "[go](javascript:window.explaintPwned=1)",
    "image": "![x](https://pwned.invalid/x.png)",
    "directive": "```{raw} html\n<script>window.explaintPwned=1</script>\n```",
    "colons": ":::{figure} https://pwned.invalid/x.png\n:::",
    "role": "{download}`/etc/passwd` {ref}`nowhere` {math}`x`",
    "substitution": "{{ explaint }} {% raw %} {0} {x!r} %s %(x)s %d",
    "heading": "# pwned\n\n***",
    "table": "a | b | c",
    "dollars": "$\\frac$",
    "display": "$$\\require{action}\\undefined$$ \\(x\\) \\[y\\]",
    "one_dollar": "$100_{",
    "backslashes": "\\$x\\$ \\\\",
    # terminals
    "colour": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;pwned\x07",
    "hyperlink": "\x1b]8;;https://pwned.invalid\x1b\\click\x1b]8;;\x1b\\",
    "clear": "\x1b[2J\x1b[H\x1bc",
    "one_byte": "\x9b31mred",
    "backspace": "safe\x08\x08\x08\x08evil",
    "carriage": "safe\revil",
    "nul": "a\x00b",
    "delete": "a\x7fb\x85c",
    "markup": "[bold red]x[/bold red] [/] [link=https://pwned.invalid]y[/link] :smiley:",
    # letters
    "override": "gnp.\u202efdp",
    "isolate": "\u2066admin\u2069 \u2067x",
    "hebrew": "שלום",
    "zero_width": "do\u200bg\u2060\ufeff",
    "joiners": "ca\u200ct\u200d",
    "emoji": "👩\u200d🔬",
    "separators": "a\u2028b\u2029c",
    "combining": "z" + "\u0335\u0489" * 40,
    "tags": "a\U000e0041\U000e007f",
    "nonsense": "\ufffe\uffff",
    # tables
    "formula": "=cmd|'/c calc'!A0",
    "plus": "+1+cmd|'/c calc'!A0",
    "minus": "-2+3+cmd|'/c calc'!A0",
    "at": "@SUM(1+1)*cmd|'/c calc'!A0",
    "wide_formula": "＝1+1",
    "web": '=HYPERLINK("https://pwned.invalid","x")',
    "apostrophe": "'=1+1",
    "quotes": 'a"b"",c;d',
    "lines": 'x"\r\n=1+1,"y',
    # paths and length
    "climb": "../../../etc/passwd",
    "long": "w" * 5000,
}
LONE = "\ud800"  # half of a surrogate pair: no file in UTF-8 holds it, an argument or a tokenizer may
STRINGS = list(HOSTILE.values())


class _Skeleton(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *sorted(name for name, _ in attrs)))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment",))

    handle_decl = handle_pi = unknown_decl = handle_comment


def skeleton(page: str) -> list[tuple[str, ...]]:
    """Return every element of an HTML text with the names of its attributes: nothing in it may come from data."""
    reader = _Skeleton()
    reader.feed(page)
    reader.close()
    return reader.found


def acts(text: str) -> list[str]:
    """Return the characters that are no letters: what moves a cursor, colours, hides or turns the line around."""
    joiners = "\u200c\u200d"  # scripts need them
    return [
        c for c in text if c != "\n" and c not in joiners and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]
