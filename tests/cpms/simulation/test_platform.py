"""What the client of the API sends, read as the API reads it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from api.schemas.sites import NewSite
from cpms.simulation.platform import Platform
from tests.data.examples import SITE


class Recorder(HTTPServer):
    """An HTTP server that keeps the bodies it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.bodies: list[dict[str, Any]] = []


class Answer(BaseHTTPRequestHandler):
    """Keep the body, answer with an empty object."""

    server: Recorder

    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(201)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("region", ["NL", None])
async def test_a_site_arrives_as_it_was_sent_with_the_region_whose_holidays_it_keeps(
    recorder: Recorder, region: str | None
) -> None:
    site = replace(SITE, region=region)
    platform = Platform(f"http://127.0.0.1:{recorder.server_port}", "token")
    await platform.create_site(site)
    await platform.close()
    [body] = recorder.bodies
    assert NewSite.model_validate(body).to_domain(site.id) == site
