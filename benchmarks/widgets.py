"""The attention widget: size of its page against BertViz's head view, time to the first picture, time of a hover.

Rival: BertViz 1.4.1 from the package index, installed into a temporary folder only; its head view of the same maps of
the same model, as the HTML that it would put into a notebook (its three libraries, which it loads from a CDN, are not
counted). What ours loses by rounding is in `agreement`. Times are those of a real Chromium on a page without a kernel.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from explaint_lib import encoders
from explaint_lib._common import output_file, write_json
from explaint_lib.experiments.continuity import bundled_sentences
from explaint_lib.widgets import AttentionViewer

BERTVIZ = "bertviz==1.4.1 --hash=sha256:e53e5fb77812d73fdc1142f56334cbf723d6cfcb54f9a6f6d3d5c83dd9763192"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OFFLINE = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
HOVERS = 40

# when the picture was first on the screen, in milliseconds since the page was asked for
FIRST = """new MutationObserver((_, watch) => {
  if (!document.querySelector('[data-explaint-ready]')) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.firstPicture = performance.now(); }));
}).observe(document, { subtree: true, attributes: true, childList: true });"""
# from the moment the pointer has moved to the frame that shows it
HOVER = """window.hovers = []; addEventListener('pointermove', () => {
  const start = performance.now();
  requestAnimationFrame(() => setTimeout(() => window.hovers.push(performance.now() - start)));
}, true);"""


def main() -> None:
    """Run all measurements and write them to the file given by ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE", type=output_file, help="file to write to")
    arguments = parser.parse_args()
    trained, tokens = maps_of(encoders.load_encoder("minilm"), 128)
    untrained, _ = maps_of(encoders.load_encoder("minilm", untrained=True, seed=0), 128)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        if install(folder):
            rows += [payload("attention_payload", trained, tokens, folder)]
            rows += [payload("attention_payload_untrained", untrained, tokens, folder)]
        else:
            print("attention_payload skipped: BertViz could not be fetched from the package index", file=sys.stderr)
    rows += in_chromium(*maps_of(encoders.load_encoder("smollm2"), 256))
    for row in rows:
        print(f"{row['name']}: {row['note']}")
    if arguments.json:
        write_json(arguments.json, rows)


def maps_of(encoder: encoders.Encoder, n: int) -> tuple[np.ndarray, list[str]]:
    """Return the attention of a text of `n` tokens, shape (layer, head, n, n), and the tokens."""
    words = " ".join(bundled_sentences()).split()
    count = n
    while len(encoding := encoder.encode([" ".join(words[:count])])[0]) > n:
        count -= 1
    if len(encoding) != n:
        raise SystemExit(f"no text of exactly {n} tokens for {encoder.name}, found {len(encoding)}")
    return encoding.attention, list(encoding.tokens)


def payload(name: str, attention: np.ndarray, tokens: list[str], folder: str) -> dict[str, Any]:
    """Bytes of the page's HTML, everything in it, against what BertViz (in `folder`) writes for the same maps."""
    start = perf_counter()
    viewer = AttentionViewer(attention, tokens)
    ours = len(viewer.static_html().encode())
    ours_s = perf_counter() - start
    error = np.abs(viewer.weights() - attention)
    written, once, rival_s = bertviz_bytes(folder, attention, tokens)
    layers, heads, n, _ = attention.shape
    return dict(
        name=name,
        ours_s=ours_s,
        rival="BertViz 1.4.1, head_view",
        rival_s=rival_s,
        ours_bytes=ours,
        rival_bytes=written,
        rival_bytes_once=once,
        ratio=once / ours,
        agreement=float(error.max()),
        note=f"{layers} x {heads} x {n} tokens: {ours / 1e3:.0f} kB against {once / 1e6:.2f} MB, 1/{once / ours:.0f}; "
        f"1/{written / ours:.0f} of all that it writes, which is the data and, in a comment, the data again; "
        f"weights differ by at most {error.max():.2%}, {error.mean():.3%} on average",
    )


def install(folder: str) -> bool:
    """Put BertViz, without what it depends on, into `folder`; False where the index cannot be reached."""
    wanted = Path(folder) / "requirements.txt"
    wanted.write_text(BERTVIZ + "\n", "utf8")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", folder]
    return subprocess.run([*command, "--requirement", str(wanted)], stdout=sys.stderr).returncode == 0


def bertviz_bytes(folder: str, attention: np.ndarray, tokens: list[str]) -> tuple[int, int, float]:
    """Return the bytes of the head view's HTML, without its second copy of the data, and the seconds it took."""
    import torch

    sys.path.insert(0, folder)
    try:
        from bertviz import head_view
    finally:
        sys.path.remove(folder)
    layers = [torch.from_numpy(layer[None].astype(np.float32)) for layer in attention]
    start = perf_counter()
    page = head_view(layers, tokens, html_action="return").data
    seconds = perf_counter() - start
    again = page.partition("// HACK: ")[2].partition(" is a template marker")[0]
    return len(page.encode()), len(page.encode()) - len(again.encode()), seconds


def in_chromium(attention: np.ndarray, tokens: list[str]) -> list[dict[str, Any]]:
    """Time to the first picture, and of one hover in either picture."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        print(f"times in a browser skipped: no Chromium here (looked for {', '.join(BROWSERS)})", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        viewer = AttentionViewer(attention, tokens, layer=len(attention) // 2)
        html = f'<!doctype html><meta charset="utf-8"><title>Timing</title>{viewer.static_html()}'
        (page_file := Path(folder) / "page.html").write_text(html, "utf8")
        browser = playwright.chromium.launch(executable_path=found, args=OFFLINE)
        for _ in range(3):
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            page.add_init_script(FIRST)
            page.goto(page_file.as_uri())
            times.setdefault("first_picture", []).append(page.wait_for_function("window.firstPicture").json_value())
            page.wait_for_timeout(3000)  # the overview is drawn meanwhile, a layer at a time
            for view in ("links", "matrix"):
                page.get_by_role("radio", name=view).dispatch_event("click")
                times.setdefault(f"hover_{view}", []).extend(hovers(page))
            page.close()
        browser.close()
    layers, heads, n, _ = attention.shape
    size = f"{layers} x {heads} x {n} tokens, page of {len(html) / 1e6:.1f} MB"
    return [
        dict(
            name=name,
            ours_s=statistics.median(values) / 1000,
            rival=None,
            rival_s=None,
            ratio=None,
            agreement=None,
            note=f"{size}: median {statistics.median(values):.0f} ms, slowest {max(values):.0f} ms of {len(values)}",
        )
        for name, values in times.items()
    ]


def hovers(page: Any) -> list[float]:
    """Move the pointer down the picture, a frame at a time, and return the milliseconds of each move."""
    page.evaluate(HOVER)
    picture = page.locator(".panel svg.figure").first.bounding_box()
    for step in range(HOVERS):
        page.mouse.move(picture["x"] + picture["width"] * 0.2, picture["y"] + 140 + 12 * step)
        page.wait_for_timeout(60)
    return page.evaluate("window.hovers")


if __name__ == "__main__":
    main()
