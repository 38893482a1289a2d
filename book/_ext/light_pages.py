"""Local Sphinx extension: what a page loads is small, and no page waits for what it does not need.

The theme would have every page load a megabyte and a half of icons as a script, its search index, and a dozen
stylesheets for parts that this book has none of. When the pages are written, this leaves

* one stylesheet, of the rules that some page can use (``book.css``), with the icons in use as a font of few glyphs;
* one script that no page waits for (``book.js``), and the index only where one searches;
* figures with a palette instead of 32 bits a pixel, their size on the page, loaded when they come near.

The same sources give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
from collections.abc import Iterable
from pathlib import Path

import matplotlib
import tinycss2
from fontTools import subset
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

SHEET = re.compile(r'<link(?=[^>]*rel="stylesheet")[^>]*href="([^"?]*)(?:\?[^"]*)?"[^>]*/?>\s*')
SCRIPT = re.compile(r"<script((?:\s[^>]*)?)>(.*?)</script>\s*", re.DOTALL)
SOURCE = re.compile(r'\ssrc="([^"?]*_static/[^"?]*)')
PRELOAD = re.compile(r'<link rel="preload" as="script"[^>]*>\s*')
IMAGE = re.compile(r'<img\b([^>]*\bsrc="([^"]*_images/([^"/]+\.png))"[^>]*)>')

# what the theme offers and the book does not: icons as a script, tabs
LEFT_OUT = ("scripts/fontawesome.js", "design-tabs.js")
ONLY_SEARCH = ("searchtools.js", "language_data.js", "search.js", "searchindex.js")
# classes that scripts put together from parts
MADE = re.compile(r"bs-(tooltip|popover)")
COLOURS = 256


def lighten(app: Sphinx, fault: Exception | None) -> None:
    """Rewrite the pages that were built."""
    if fault or app.builder.format != "html":
        return
    out = Path(app.outdir)
    static = out / "_static"
    files = [path for path in sorted(out.rglob("*.html")) if "_static" not in path.relative_to(out).parts]
    pages = {path: page for path in files if SHEET.search(page := path.read_text("utf8"))}  # not the redirection
    sizes = {path.name: repaint(path) for path in sorted((out / "_images").glob("*.png"))}
    script = one_script(pages, static)
    sheet = one_sheet(pages, static, used(pages.values()) | used([script]))
    for name, text in {"book.js": script, "book.css": sheet}.items():
        (static / name).write_text(text, "utf8")
    for path, page in pages.items():
        above = "../" * (len(path.relative_to(out).parts) - 1)
        page = PRELOAD.sub("", SHEET.sub("", page))
        page = SCRIPT.sub(lambda found, path=path: kept_script(found, path.name == "search.html"), page)
        head = f'<link rel="stylesheet" href="{above}_static/book.css?v={short_hash(sheet)}">\n'
        head += f'<script defer src="{above}_static/book.js?v={short_hash(script)}"></script>\n'
        page = page.replace("</title>", f"</title>\n{head}", 1)
        path.write_text(IMAGE.sub(lambda found: with_size(found, sizes), page), "utf8")
    clear(static)


def short_hash(text: str) -> str:
    """Return what tells a browser that a file is another one."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def used(texts: Iterable[str]) -> set[str]:
    """Return every word of some texts: a class that is none of them is on no page, and no script gives it."""
    return {word for text in texts for word in re.findall(r"[\w-]+", text)}


# -- one script --------------------------------------------------------------------------------------------------------


def one_script(pages: dict[Path, str], static: Path) -> str:
    """Return the scripts of all pages, in their order, as one."""
    wanted, settings = {}, {}
    for page in pages.values():
        for attributes, code in SCRIPT.findall(page):
            source = SOURCE.search(attributes)
            if source and (name := source[1].partition("_static/")[2]) not in (*LEFT_OUT, *ONLY_SEARCH):
                text = (static / name).read_text("utf8")
                wanted[name] = re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE)
            elif not source and is_setting(attributes, code):
                settings[code] = code
    # a deferred script begins at once, so that what it is told must stand before it
    options = wanted.pop("documentation_options.js", "")
    return ";\n".join([options, *settings.values(), *wanted.values()])


def is_setting(attributes: str, code: str) -> bool:
    """Tell whether a script within a page sets up the theme's scripts, the same on every page."""
    return not attributes.strip() and bool(re.match(r"(let toggle|var toggle|DOCUMENTATION_OPTIONS\.search)", code))


def kept_script(found: re.Match[str], searching: bool) -> str:
    """Return what remains of one script of a page."""
    attributes, code = found.groups()
    name = SOURCE.search(attributes)
    if "searchindex.js" in attributes:  # ours comes between Sphinx's and the index, whose arrival begins the search
        later = found[0].replace("<script", "<script defer", 1)
        return f'<script defer src="_static/search.js"></script>\n{later}' if searching else ""
    if name and name[1].endswith(ONLY_SEARCH):
        return found[0].replace("<script", "<script defer", 1) if searching else ""
    if name or is_setting(attributes, code) or code.startswith("DOCUMENTATION_OPTIONS.pagename"):
        return ""
    return found[0]


# -- one stylesheet ----------------------------------------------------------------------------------------------------


def one_sheet(pages: dict[Path, str], static: Path, words: set[str]) -> str:
    """Return the rules of all stylesheets that may apply to a page, in their order."""
    orders = [[name.partition("_static/")[2] for name in SHEET.findall(page)] for page in pages.values()]
    order = max(orders, key=len)
    if any(names != [name for name in order if name in names] for names in orders):
        raise ExtensionError("pages load their stylesheets in different orders, of which one cannot be made")
    text = "\n".join(purged(static / name, words) for name in order)
    text = re.sub(
        r"url\([\"']?(?!data:)([\w-]+\.png)[\"']?\)", lambda found: f"url({as_data(static / found[1])})", text
    )
    if loads := re.findall(r"url\((?![\"']?data:)[^)]*\)", text):
        raise ExtensionError(f"book.css would load other files: {loads}")
    icons = {ord(character) for character in text if "\ue000" <= character <= "\uf8ff"}
    fonts = font("Font Awesome 6 Free", 900, static / "vendor/fontawesome/webfonts/fa-solid-900.ttf", icons)
    fonts += font("Book Math", 400, Path(matplotlib.get_data_path(), "fonts/ttf/STIXGeneral.ttf"), in_formulas(pages))
    return f'@charset "utf-8";\n{fonts}{text}'


def purged(sheet: Path, words: set[str]) -> str:
    """Return a stylesheet without the rules whose classes are not among `words`, and without its fonts."""
    rules = tinycss2.parse_stylesheet(sheet.read_text("utf8"), skip_whitespace=True)
    return "".join(_rules(rules, words, sheet.parent))


def _rules(rules: list, words: set[str], folder: Path) -> Iterable[str]:
    for rule in rules:
        if rule.type == "at-rule" and rule.at_keyword == "import":
            yield purged(folder / next(part.value for part in rule.prelude if part.type in ("string", "url")), words)
        elif rule.type == "comment" and rule.value.startswith("!"):
            yield f"/*{rule.value}*/\n"
        elif rule.type == "qualified-rule":
            if kept := [tinycss2.serialize(one).strip() for one in _selectors(rule.prelude) if _applies(one, words)]:
                yield f"{','.join(kept)}{{{tinycss2.serialize(rule.content).strip()}}}\n"
        elif rule.type == "at-rule" and rule.content is not None and rule.at_keyword in ("media", "supports", "layer"):
            inner = "".join(_rules(tinycss2.parse_rule_list(rule.content, skip_whitespace=True), words, folder))
            if inner:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}\n"
        elif rule.type == "at-rule" and rule.at_keyword not in ("font-face", "charset"):
            yield f"{rule.serialize()}\n"
        elif rule.type == "error":
            raise ExtensionError(f"a stylesheet cannot be read: {rule.message}")


def _selectors(prelude: list) -> list[list]:
    """Return the selectors of a rule, a list of tokens each."""
    parts: list[list] = [[]]
    for token in prelude:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _applies(selector: list, words: set[str]) -> bool:
    """Tell whether every class that a selector asks for may be on a page (what is in brackets is not asked)."""
    pairs = zip(selector, selector[1:], strict=False)
    classes = [after.value for before, after in pairs if before == "." and after.type == "ident"]
    return all(name in words or MADE.match(name) for name in classes)


def as_data(image: Path) -> str:
    """Return a small image as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(image.read_bytes()).decode()}"


def in_formulas(pages: dict[Path, str]) -> set[int]:
    """Return the characters of all formulas; letters that stand alone are drawn in italics, from other places."""
    formulas = [formula for page in pages.values() for formula in re.findall(r"<math\b.*?</math>", page, re.DOTALL)]
    points = {ord(character) for text in formulas for character in html.unescape(re.sub(r"<[^>]*>", "", text))}
    for letter in {letter for text in formulas for letter in re.findall(r"<mi>(.)</mi>", text)}:
        for first, last, italic in (("A", "Z", 0x1D434), ("a", "z", 0x1D44E), ("Α", "Ω", 0x1D6E2), ("α", "ω", 0x1D6FC)):
            if first <= letter <= last:
                points.add(0x210E if letter == "h" else italic + ord(letter) - ord(first))
    return points


def font(name: str, weight: int, file: Path, points: set[int]) -> str:
    """Return a rule that holds a font of some characters, the names of its makers left in."""
    options = subset.Options(hinting=False, name_IDs=[0, 7, 13], notdef_outline=False)
    letters = TTFont(file, recalcTimestamp=False)
    picker = subset.Subsetter(options)
    picker.populate(unicodes=points)
    picker.subset(letters)
    letters.flavor = "woff"
    letters.save(packed := io.BytesIO())
    data = base64.b64encode(packed.getvalue()).decode()
    return (
        f"@font-face{{font-family:'{name}';font-weight:{weight};font-display:block;"
        f"src:url(data:font/woff;base64,{data}) format('woff')}}\n"
    )


# -- figures -----------------------------------------------------------------------------------------------------------


def repaint(path: Path) -> tuple[int, int]:
    """Store a figure with a palette where that is smaller, and return its width and height.

    A figure of Matplotlib has some hundred or thousand colours, most of them at the edges of letters and lines.
    """
    with Image.open(path) as image:
        if image.mode != "P" and (image.mode == "RGB" or image.getchannel("A").getextrema() == (255, 255)):
            few = image.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            few.save(packed := io.BytesIO(), "PNG", optimize=True)
            if packed.tell() < path.stat().st_size:
                path.write_bytes(packed.getvalue())
        return image.size


def with_size(found: re.Match[str], sizes: dict[str, tuple[int, int]]) -> str:
    """Return an image with its size, so that nothing moves when it comes, and loaded when it comes near."""
    width, height = sizes[found[3]]
    given = re.sub(r"\s*/$", "", found[1])
    size = "" if re.search(r"\b(width|height|style)=", given) else f' width="{width}" height="{height}"'
    return f'<img{given}{size} loading="lazy" decoding="async">'


def clear(static: Path) -> None:
    """Remove the files that no page loads any more."""
    kept = {"book.css", "book.js", *ONLY_SEARCH}
    for path in sorted(static.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.name not in kept and path.suffix not in (".svg", ".png"):
            path.unlink()


def setup(app: Sphinx) -> dict[str, object]:
    """Let it be the last that touches the pages."""
    app.connect("build-finished", lighten, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
