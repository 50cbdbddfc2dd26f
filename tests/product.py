"""The product as its users have it: `cpms serve` as a process, its command line, its HTTP API and its stations' port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from cpms.simulation.server_process import free_port

READY_WITHIN_S = 90.0
SITE: dict[str, Any] = {
    "id": "office",
    "name": "Office",
    "timezone": "Europe/Amsterdam",
    "currency": "EUR",
    "import_limit_kw": 200.0,
    "reserved_other_load_kw": 5.0,
    "feeders": [{"id": "grid", "limit_a": 400.0}, {"id": "garage", "parent_id": "grid", "limit_a": 300.0}],
}
"""With room for every station of the tests, although those that are away count at what they might draw."""


class Product:
    """Started on the embedded database in `directory`; stopped or killed by its own id."""

    def __init__(self, directory: Path) -> None:
        self.ocpp_port, self.api_port = free_port(), free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CPMS_")}
        self.environment = kept | {
            "CPMS_DATA_DIR": str(directory / "data"),
            "CPMS_OCPP_PORT": str(self.ocpp_port),
            "CPMS_API_PORT": str(self.api_port),
        }
        self.log = directory / "server.log"
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.api_port}", timeout=30.0, trust_env=False)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where stations connect; their identity follows."""
        return f"ws://127.0.0.1:{self.ocpp_port}/ocpp"

    def start(self) -> None:
        """Start, and wait until it is ready."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "cpms", "serve"]
            self._process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        self.wait(self.is_ready, READY_WITHIN_S)

    def create_token(self, role: str = "admin") -> str:
        """`cpms token create`: all that it prints, used from now on."""
        command = [sys.executable, "-m", "cpms", "token", "create", "--role", role]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=True)
        assert done.stdout.count("\n") == 1
        token = done.stdout.strip()
        self.http.headers["Authorization"] = f"Bearer {token}"
        return token

    def signal(self, number: signal.Signals) -> int:
        """Send a signal to the server and wait for its end; its exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(timeout=60)

    def stop(self) -> None:
        """Stop it if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGTERM)
        self.http.close()

    def get(self, path: str, **query: Any) -> Any:
        """GET /api/v1/...; the answer."""
        response = self.http.get(f"/api/v1{path}", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def send(self, method: str, path: str, body: Any, status: int) -> Any:
        """A request that must be answered with `status`."""
        response = self.http.request(method, f"/api/v1{path}", json=body)
        assert response.status_code == status, response.text
        return response.json()

    def add_station(self, station_id: str, **fields: Any) -> str:
        """POST /stations on the garage's feeder; its key."""
        body = {"id": station_id, "site_id": SITE["id"], "feeder_id": "garage", **fields}
        return str(self.send("POST", "/stations", body, 201)["key"])

    def wait(self, met: Any, within_s: float = 30.0) -> Any:
        """What `met()` returns once it is true; the server's log if that takes too long."""
        deadline_s = time.monotonic() + within_s
        while not (result := met()):
            alive = self._process is not None and self._process.poll() is None
            assert alive, f"the server ended\n{self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline_s, f"not within {within_s} s\n{self.log.read_text()[-3000:]}"
            time.sleep(0.05)
        return result

    def is_ready(self) -> bool:
        """Whether it says so."""
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False


def now_text(shifted: timedelta = timedelta(0)) -> str:
    """This instant, or another, as OCPP writes it."""
    return (datetime.now(UTC) + shifted).strftime("%Y-%m-%dT%H:%M:%SZ")
