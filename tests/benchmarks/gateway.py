"""What a station's message costs the server: `python -m tests.benchmarks.gateway --stations 200 --json`.

CPU time per message of our server, and in the same run of the server in the README of `ocpp` on `websockets`. Stations send nine
MeterValues of 1 kB with seven samples to one Heartbeat, each after the answer to the one before. Servers run in processes of
their own; both on the event loop, validation and compression that they come with. Ours hands typed events to a backend that
does nothing; theirs hands dictionaries to handlers that do nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from cpms.domain.identity import StationCredentials, keyed_hash
from cpms.domain.telemetry import Reply, StationEvent
from cpms.domain.time import SystemClock
from cpms.ocpp.server import ServerOptions, StationServer

KEY, PEPPER = "0123456789abcdef0123", b"pepper"
MEASURANDS = (
    ("Energy.Active.Import.Register", None, "Wh", "1234567.8"),
    ("Power.Active.Import", None, "W", "11040.0"),
    ("Current.Import", "L1", "A", "16.0"),
    ("Current.Import", "L2", "A", "16.0"),
    ("Current.Import", "L3", "A", "16.0"),
    ("Voltage", "L1-N", "V", "230.1"),
    ("SoC", None, "Percent", "55"),
)


class Nothing:
    """A backend that knows everybody and does nothing."""

    async def credentials(self, station_id: str) -> StationCredentials:
        return StationCredentials(station_id, "site", 1, keyed_hash(KEY, PEPPER))

    async def handle(self, event: StationEvent) -> Reply:
        return None

    def raw(self, station_id: str, received_at: datetime, direction: str, text: str) -> None:
        return None


async def serve_ours() -> None:
    server = StationServer(Nothing(), SystemClock(), PEPPER, port=0, options=ServerOptions(ping_interval_s=20.0))
    await server.start()
    await answer_questions(server.port)
    await server.stop()


async def serve_readme() -> None:
    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call_result

    class Station(ChargePoint):  # type: ignore[misc]
        @on("MeterValues")
        def on_meter_values(self, **payload: Any) -> Any:
            return call_result.MeterValues()

        @on("Heartbeat")
        def on_heartbeat(self) -> Any:
            return call_result.Heartbeat(current_time=datetime.now(UTC).isoformat())

    async def connected(connection: Any) -> None:
        with suppress(ConnectionClosed):
            await Station(connection.request.path.strip("/"), connection).start()

    subprotocols: Any = ["ocpp1.6"]
    async with serve(connected, "127.0.0.1", 0, subprotocols=subprotocols, backlog=2048) as server:
        await answer_questions(next(iter(server.sockets)).getsockname()[1])


async def answer_questions(port: int) -> None:
    """Print the port; then the CPU time used so far for every line on standard input, until it ends."""
    print(port, flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(time.process_time(), flush=True)


def meter_values(number: int) -> str:
    sampled = [
        {"value": value, "measurand": name, "unit": unit, "context": "Sample.Periodic", "format": "Raw"}
        | ({"phase": phase} if phase else {})
        for name, phase, unit, value in MEASURANDS
    ]
    meter_value = [{"timestamp": datetime.now(UTC).isoformat(), "sampledValue": sampled}]
    payload = {"connectorId": 1, "transactionId": 7, "meterValue": meter_value}
    return json.dumps([2, str(number), "MeterValues", payload])


async def live(port: int, name: str, messages: int, ready: asyncio.Barrier) -> None:
    """A station: connects, answers what it is asked, and sends its messages one by one."""
    login = base64.b64encode(f"{name}:{KEY}".encode()).decode()
    subprotocols: Any = ["ocpp1.6"]
    async with connect(
        f"ws://127.0.0.1:{port}/ocpp/{name}",
        subprotocols=subprotocols,
        additional_headers={"Authorization": f"Basic {login}"},
        ping_interval=None,
        open_timeout=60,
    ) as socket:
        await ready.wait()
        for number in range(messages):
            beat = number % 10 == 9
            await socket.send(f'[2,"{number}","Heartbeat",{{}}]' if beat else meter_values(number))
            while json.loads(frame := await socket.recv())[0] == 2:
                await socket.send(f'[4,"{json.loads(frame)[1]}","NotImplemented","",{{}}]')
        await ready.wait()


async def load(server: subprocess.Popen[str], stations: int, messages: int) -> float:
    """CPU time of the server per message [µs]."""
    assert server.stdout is not None
    port = int(server.stdout.readline())
    ready = asyncio.Barrier(stations + 1)
    tasks = [asyncio.create_task(live(port, f"ST-{i}", messages, ready)) for i in range(stations)]
    await ready.wait()
    before_s = cpu_s(server)
    await ready.wait()
    used_s = cpu_s(server) - before_s
    await asyncio.gather(*tasks)
    return used_s / (stations * messages) * 1e6


def cpu_s(server: subprocess.Popen[str]) -> float:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("\n")
    server.stdin.flush()
    return float(server.stdout.readline())


def measure(role: str, stations: int, messages: int) -> float:
    command = [sys.executable, __file__, "--role", role]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        return asyncio.run(load(server, stations, messages))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=200)
    parser.add_argument("--messages", type=int, default=50, help="per station")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--role", choices=["ours", "readme"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        asyncio.run(serve_ours() if options.role == "ours" else serve_readme())
        return
    ours_us = measure("ours", options.stations, options.messages)
    readme_us = measure("readme", options.stations, options.messages)
    result = {
        "stations": options.stations,
        "messages": options.stations * options.messages,
        "cpu_us_per_message": round(ours_us, 1),
        "readme_cpu_us_per_message": round(readme_us, 1),
        "ratio": round(readme_us / ours_us, 1),
    }
    print(json.dumps(result) if options.json else "\n".join(f"{k}: {v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
