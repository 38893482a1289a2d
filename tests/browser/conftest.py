"""Pages served on this machine alone, and a watch over what a page does."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

import pytest


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve `folder` on this machine only, and yield its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


class Watch:
    """What a page asked for from elsewhere, and what went wrong on it."""

    def __init__(self, page: object) -> None:
        self.faults: list[str] = []
        page.on("request", self._request)
        page.on("websocket", lambda socket: self.faults.append(f"websocket {socket.url}"))
        page.on("console", lambda said: self.faults.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("requestfailed", lambda request: self.faults.append(f"failed: {request.url}"))
        page.on("response", lambda r: self.faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None)

    def _request(self, request: object) -> None:
        address = urlparse(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
            self.faults.append(f"outside request: {request.url}")


def document(*widgets: object) -> str:
    """A page with these figures (widgets, or HTML) and nothing else."""
    figures = "".join(w if isinstance(w, str) else w.static_html() for w in widgets)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width">'
        '<link rel="icon" href="data:,"><title>Widgets</title>'
        f"</head><body><main><h1>Widgets</h1><h2>One</h2>{figures}</main></body></html>"
    )


def widget(page: object, i: int) -> object:
    return page.locator("[data-explaint]").nth(i)


@pytest.fixture
def open_page(chromium: object, site: tuple[Path, str]) -> Iterator[object]:
    """Open a page of the module's `site` (folder, address); at the end fail on any outside request or error."""
    contexts, watches = [], []

    def open_(
        name: str = "page.html", *, scheme: str = "http", width: int = 1000, fragment: str = "", **options: object
    ) -> object:
        context = chromium.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        watches.append(Watch(page))
        page.goto((site[1] + name if scheme == "http" else (site[0] / name).as_uri()) + fragment)
        if options.get("java_script_enabled", True):
            page.wait_for_function(
                "document.querySelectorAll('[data-explaint]').length === "
                "document.querySelectorAll('[data-explaint-ready], [data-explaint-error]').length"
            )
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [fault for watch in watches for fault in watch.faults] == []
