"""A day as it is lived against the API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from cpms.domain.time import ManualClock
from cpms.simulation.live_day import LiveDay
from cpms.simulation.platform import Platform
from tests.cpms.simulation.conftest import START, MakeDay, MakeVisit


class OneSession(HTTPServer):
    """Knows one open session, of the visit of the test, and keeps what it is told of its need."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.told: list[dict[str, Any]] = []


class Answer(BaseHTTPRequestHandler):
    server: OneSession

    def do_GET(self) -> None:
        self.answer({"items": [{"id": "s1", "connector_id": 1, "id_tag": "TAG-a-60"}]})

    def do_PUT(self) -> None:
        self.server.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer({})

    def answer(self, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def api() -> Iterator[OneSession]:
    with OneSession() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("leaves_after_s", "said"), [(3000, 1), (90, 0)])
async def test_a_driver_says_when_they_leave_unless_that_is_over_already(
    api: OneSession, make_day: MakeDay, make_visit: MakeVisit, leaves_after_s: int, said: int
) -> None:
    visit = replace(make_visit(), stated_departs_at=START + timedelta(seconds=leaves_after_s))
    day = LiveDay(make_day([visit]), clock := ManualClock(START), speed=1.0, seed=0)
    clock.advance(120.0)
    day.live()
    platform = Platform(f"http://127.0.0.1:{api.server_port}", "token")
    await day._state_need(platform, visit)
    await platform.close()
    assert len(api.told) == said
