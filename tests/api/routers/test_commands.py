from __future__ import annotations

import httpx
import pytest

from cpms.domain.command import ReadCompositeSchedule, ReadConfiguration, RemoteStart, RemoteStop
from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import CommandOutcome, CommandResult
from tests.api.recording import RecordingLive

START = {"connector_id": 1, "id_tag": "ABC123"}


async def test_commands_reach_the_station_as_asked(depot: httpx.AsyncClient, live: RecordingLive) -> None:
    live.stations = {"CP-1"}
    path = "/api/v1/stations/CP-1"
    responses = [
        await depot.post(f"{path}/remote-start", json=START),
        await depot.post(f"{path}/remote-stop", json={"transaction_id": "77"}),
        await depot.get(f"{path}/composite-schedule", params={"connector_id": 1, "duration_s": 600}),
        await depot.get(f"{path}/configuration", params={"key": ["A", "B"]}),
    ]
    assert [r.status_code for r in responses] == [200] * 4
    assert [command for _, command in live.commands] == [
        RemoteStart(ConnectorKey("CP-1", 1), "ABC123"),
        RemoteStop("77"),
        ReadCompositeSchedule(ConnectorKey("CP-1", 1), 600),
        ReadConfiguration(("A", "B")),
    ]


async def test_a_stations_refusal_is_an_outcome(depot: httpx.AsyncClient, live: RecordingLive) -> None:
    live.stations = {"CP-1"}
    live.answer = CommandResult(CommandOutcome.REJECTED, "Rejected")
    response = await depot.post("/api/v1/stations/CP-1/remote-start", json=START)
    assert response.status_code == 200
    assert response.json() == {"outcome": "rejected", "detail": "Rejected", "values": {}}


async def test_a_station_that_is_not_connected_is_a_503(depot: httpx.AsyncClient, live: RecordingLive) -> None:
    response = await depot.post("/api/v1/stations/CP-1/remote-start", json=START)
    assert response.status_code == 503
    assert response.json()["type"] == "urn:problem-type:cpms:station-unreachable"
    assert live.commands == []


@pytest.mark.parametrize("outcome", [CommandOutcome.TIMED_OUT, CommandOutcome.UNREACHABLE])
async def test_a_station_that_does_not_answer_is_a_503(
    depot: httpx.AsyncClient, live: RecordingLive, outcome: CommandOutcome
) -> None:
    live.stations = {"CP-1"}
    live.answer = CommandResult(outcome)
    response = await depot.post("/api/v1/stations/CP-1/remote-stop", json={"transaction_id": "1"})
    assert response.status_code == 503


async def test_unknown_stations_and_connectors_are_named(depot: httpx.AsyncClient, live: RecordingLive) -> None:
    live.stations = {"CP-1"}
    assert (await depot.post("/api/v1/stations/CP-9/remote-start", json=START)).status_code == 404
    response = await depot.post("/api/v1/stations/CP-1/remote-start", json=START | {"connector_id": 7})
    assert response.json()["errors"][0] == {
        "field": "connector_id",
        "problem": "7 is not one of CP-1",
        "cure": "use [1]",
    }


async def test_a_stations_secrets_are_not_shown(depot: httpx.AsyncClient, live: RecordingLive) -> None:
    live.stations = {"CP-1"}
    live.answer = CommandResult(
        CommandOutcome.ACCEPTED, values={"AuthorizationKey": "hunter2", "HeartbeatInterval": "300"}
    )
    response = await depot.get("/api/v1/stations/CP-1/configuration")
    assert "hunter2" not in response.text
    assert response.json()["values"]["HeartbeatInterval"] == "300"
