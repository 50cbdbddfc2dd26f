"""The API as a running peer on the loopback: it keeps the bodies it is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class HttpPeer(HTTPServer):
    """Answers every GET with `found`, and everything else with an empty object once it has kept the body."""

    def __init__(self, found: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.found = found
        self.bodies: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: HttpPeer

    def do_GET(self) -> None:
        self._answer(200, self.server.found)

    def do_POST(self) -> None:
        self._keep()
        self._answer(201, {})

    def do_PUT(self) -> None:
        self._keep()
        self._answer(200, {})

    def _keep(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@contextmanager
def http_peer(found: dict[str, Any] | None = None) -> Iterator[HttpPeer]:
    """A peer that serves until the end of the block."""
    with HttpPeer(found or {}) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
