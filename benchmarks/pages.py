"""The pages of the book on a slow phone: bytes that travel, and seconds until the page can be used.

Each page is opened with an empty cache in a headless Chromium that is throttled through the DevTools protocol: "slow
4G" as the DevTools define it, a processor four times slower, a screen of 360 pixels. The server compresses what a web
server compresses. A page is interactive when its document is read, its widgets are drawn, and the last task of more
than 50 ms has ended before three seconds of quiet. Bytes count the whole page, scrolled to its end, as compressed.
There is no rival: `ratio` is how many times the page would fit into its limit (4 seconds, 1 MB).
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import statistics
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from playwright.sync_api import Browser, sync_playwright
from widgets import BROWSERS, OFFLINE

from explaint_lib._common import output_file, write_json

HTML = Path(__file__).resolve().parent.parent / "_build" / "html"
SLOW_4G = dict(offline=False, latency=562.5, downloadThroughput=1.6e6 * 0.9 / 8, uploadThroughput=0.75e6 * 0.9 / 8)
SLOWER, LIMIT_S, LIMIT_BYTES = 4, 4.0, 1e6
TEXTS = (".html", ".js", ".css", ".svg", ".json", ".txt")

WATCH = """window.busy = 0; window.drawn = 0;
new PerformanceObserver(tasks => {
  for (const task of tasks.getEntries()) window.busy = Math.max(window.busy, task.startTime + task.duration);
}).observe({ type: 'longtask', buffered: true });
new MutationObserver(() => { window.drawn = performance.now(); })
  .observe(document, { subtree: true, attributeFilter: ['data-explaint-ready'] });"""
QUIET = """() => {
  const waiting = '[data-explaint]:not([data-explaint-ready], [data-explaint-error], [data-explaint-waits])';
  const loaded = performance.getEntriesByType('navigation')[0].loadEventEnd;
  if (!loaded || document.querySelector(waiting)) return false;
  return performance.now() - Math.max(loaded, window.busy, window.drawn) > 3000; }"""
TIMES = """() => {
  const { domContentLoadedEventEnd } = performance.getEntriesByType('navigation')[0];
  const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
  const interactive = Math.max(domContentLoadedEventEnd, window.busy, window.drawn);
  return { paint: paint / 1000, interactive: interactive / 1000 }; }"""


class _Compressing(http.server.SimpleHTTPRequestHandler):
    """A server that sends texts compressed, and keeps its connections."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body, text = path.read_bytes(), path.suffix in TEXTS
        body = _packed(body) if text else body
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if text:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@functools.cache
def _packed(body: bytes) -> bytes:
    return gzip.compress(body)


def main() -> None:
    """Measure every page and write the measurements to the file given by ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE", type=output_file, help="file to write to")
    parser.add_argument("--html", metavar="FOLDER", type=Path, default=HTML, help="the built book, _build/html")
    parser.add_argument("--repeats", type=int, default=1, help="loads of each page; the median counts (1)")
    parser.add_argument("pages", nargs="*", help="addresses below the folder, such as book/index.html; all of them")
    arguments = parser.parse_args()
    rows = measure(arguments.html, arguments.pages, arguments.repeats)
    if arguments.json:
        write_json(arguments.json, rows)


def measure(html: Path, names: list[str], repeats: int) -> list[dict[str, Any]]:
    """Return a row a page; none where there is no book or no browser."""
    import shutil

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None or not html.is_dir():
        print(f"pages skipped: no {'Chromium here' if found is None else f'book in {html}'}", file=sys.stderr)
        return []
    pages = (path.relative_to(html) for path in sorted(html.rglob("*.html")))
    names = names or [str(path) for path in pages if "_static" not in path.parts and str(path) != "index.html"]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Compressing, directory=str(html)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=OFFLINE)
        for name in names:
            address = f"http://127.0.0.1:{server.server_port}/{name}"
            rows.append(row(name, [load(browser, address) for _ in range(repeats)]))
            print(f"{name}: {rows[-1]['note']}", flush=True)
        browser.close()
    server.shutdown()
    return rows


def load(browser: Browser, address: str) -> dict[str, float]:
    """Open a page with an empty cache, and return its times (s) and its bytes."""
    page = browser.new_context(viewport={"width": 360, "height": 780}).new_page()
    page.set_default_timeout(120_000)
    tools = page.context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", SLOW_4G)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    sizes: list[int] = []
    tools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.add_init_script(WATCH)
    page.goto(address, wait_until="load")
    page.wait_for_function(QUIET, polling=250)
    times = page.evaluate(TIMES)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    tools.send("Network.emulateNetworkConditions", {**SLOW_4G, "latency": 0, "downloadThroughput": -1})
    page.evaluate("""async () => { for (let y = 0; y < document.documentElement.scrollHeight; y += 700) {
        scrollTo(0, y); await new Promise(requestAnimationFrame); } }""")
    page.wait_for_load_state("networkidle")
    page.context.close()
    return {**times, "bytes": sum(sizes)}


def row(name: str, loads: list[dict[str, float]]) -> dict[str, Any]:
    """Return the row of one page: medians of its loads."""
    middle = {what: statistics.median(load[what] for load in loads) for what in loads[0]}
    seconds, size = middle["interactive"], middle["bytes"]
    note = f"{size / 1e3:.0f} kB, painted after {middle['paint']:.1f} s, interactive after {seconds:.1f} s"
    return dict(
        name=f"page_{urlparse(name).path.removesuffix('.html').replace('/', '_')}",
        ours_s=seconds,
        bytes=size,
        rival=None,
        rival_s=None,
        ratio=min(LIMIT_S / seconds, LIMIT_BYTES / size),
        agreement=None,
        note=note + ("" if seconds <= LIMIT_S and size <= LIMIT_BYTES else " (over the limit)"),
    )


if __name__ == "__main__":
    main()
