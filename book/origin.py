"""Where the pages come from, and what can be taken along: commit and date, the sources and the book as archives."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import yaml

SOURCES, BOOK = "explaint-sources.zip", "explaint-book.zip"
NOTED = "book/origin.json"


def known(root: Path) -> dict[str, str]:
    """Return version, commit, date and repository of the sources in `root`; what is not known is left out.

    The repository is the ``url`` under ``repository`` in ``_config.yml``. A folder that is no checkout has no commit.
    """
    configured = yaml.safe_load((root / "_config.yml").read_text("utf8"))
    found = {"repository": (configured.get("repository") or {}).get("url")}
    if (about := root / "CITATION.cff").is_file():
        found["version"] = str(yaml.safe_load(about.read_text("utf8"))["version"])
    top = _git(root, "rev-parse", "--show-toplevel")
    if top and Path(top).resolve() == root.resolve() and (said := _git(root, "show", "-s", "--format=%H %cs")):
        found["commit"], found["date"] = said.split()
        if _git(root, "status", "--porcelain", "--untracked-files=no"):
            found["changed"] = "with changes that are in no commit"
    return {name: value for name, value in found.items() if value}


def note(staging: Path, root: Path) -> None:
    """Write it where the pages are rendered from, so that another commit makes other pages."""
    text = json.dumps(known(root), sort_keys=True)
    (staging / NOTED).write_text(text, "utf8")


def pack(html: Path, root: Path) -> None:
    """Put two archives beside the pages: the sources of the commit, and the pages themselves, to be read offline.

    The same pages give the same bytes: files in the order of their names, under one date.
    """
    if "commit" in known(root):
        _git(root, "archive", "--format=zip", "--prefix=explaint/", f"--output={(html / SOURCES).resolve()}", "HEAD")
    with zipfile.ZipFile(html / BOOK, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(html.rglob("*")):
            if path.is_file() and path.suffix != ".zip":
                entry = zipfile.ZipInfo(f"explaint-book/{path.relative_to(html)}", (1980, 1, 1, 0, 0, 0))
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, path.read_bytes())


def _git(root: Path, *arguments: str) -> str:
    """Return what git says, or nothing where it is missing or refuses."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
