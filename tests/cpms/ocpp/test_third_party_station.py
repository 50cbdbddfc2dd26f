"""A station by other authors (npm ocpp-rpc, strict validation) lives a session against our server."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cpms.domain.command import InstallGrant
from cpms.domain.grid import Grant, LimitPeriod
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector
from cpms.domain.telemetry import (
    CommandOutcome,
    SamplesReceived,
    StationCapabilities,
    StationDisconnected,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from cpms.ocpp.server import StationServer
from tests.cpms.ocpp.backend import KEY, NOW, MemoryBackend, running

SCRIPT = Path(__file__).parents[2] / "peers" / "ocpp_rpc" / "station.mjs"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (SCRIPT.parent / "node_modules").exists(),
    reason="the station by other authors is not installed: python -m tests.prepare",
)


async def lived(server: StationServer, *arguments: str) -> AsyncIterator[dict[str, Any]]:
    """What the station says it saw, line by line, until it exits."""
    url = f"ws://127.0.0.1:{server.port}/ocpp"
    process = await asyncio.create_subprocess_exec(
        "node", str(SCRIPT), "--url", url, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        async for line in process.stdout:
            yield json.loads(line)
        await process.wait()


def grant(transaction_id: str) -> InstallGrant:
    key = ConnectorKey("ST:1", 1)
    periods = (LimitPeriod(NOW, 16.04), LimitPeriod(NOW + timedelta(minutes=15), 9.99))
    lease_ends_at = NOW + timedelta(minutes=30)
    return InstallGrant(Grant("G", "S", key, 1, NOW, 6.0, transaction_id, periods, lease_ends_at), Connector(key))


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_it_boots_authorizes_charges_receives_a_profile_and_stops(version: str):
    backend, saw = MemoryBackend(), []
    backend.add("ST:1")
    async with running(backend) as server:
        result = None
        async for line in lived(server, "--id", "ST:1", "--key", KEY, "--version", version):
            saw.append(line)
            if line["saw"] == "started":
                result = await server.send("ST:1", grant(str(line["transactionId"])))
    words = [line["saw"] for line in saw]
    assert "violation" not in words
    assert words[-2:] == ["answer", "closed"]
    assert result is not None
    assert result.outcome is CommandOutcome.ACCEPTED
    (profile,) = [line["profile"] for line in saw if line["saw"] == "profile"]
    schedule = profile["chargingSchedule"]
    periods = (schedule if version == "1.6" else schedule[0])["chargingSchedulePeriod"]
    assert [(p["startPeriod"], p["limit"]) for p in periods] == [(0, 16.0), (960, 9.9), (1860, 6.0)]
    require_session(backend, version)


def require_session(backend: MemoryBackend, version: str) -> None:
    (capabilities,) = backend.of(StationCapabilities)
    (started,) = backend.of(TransactionStarted)
    (ended,) = backend.of(TransactionEnded)
    assert (capabilities.max_periods, capabilities.max_stack_level) == (6, 8)
    assert (started.id_tag, started.connector_id, started.meter_start_kwh) == ("TAG-1", 1, 12.0)
    assert (ended.meter_stop_kwh, ended.connector_id, ended.reason) == (12.3, 1, "Local")
    during = backend.of(SamplesReceived) if version == "1.6" else backend.of(TransactionUpdated)
    samples = [sample for event in during for sample in event.samples]
    assert [sample.energy_kwh for sample in samples] == [12.1, 12.2, 12.3]
    assert {(sample.power_kw, sample.current_a) for sample in samples} == {(6.9, (10.0, 10.0, 10.0))}
    assert len(backend.of(StationDisconnected)) == 1


@pytest.mark.parametrize(
    ("station_id", "key", "version", "status"),
    [("ST:1", "wrong", "1.6", 401), ("NOBODY", KEY, "2.0.1", 404), ("ST:1", KEY, "2.1", 400)],
)
async def test_it_is_refused_with_a_status_that_tells_why(station_id: str, key: str, version: str, status: int):
    backend = MemoryBackend()
    backend.add("ST:1")
    async with running(backend) as server:
        saw = [line async for line in lived(server, "--id", station_id, "--key", key, "--version", version)]
    assert [line["saw"] for line in saw] == ["failed"]
    assert str(status) in json.dumps(saw)
