from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import httpx

from api import Services
from cpms.domain.identity import ConnectorKey, matches_hash
from cpms.domain.station_clock import StationClock
from cpms.domain.telemetry import ConnectorStatus, ConnectorStatusChanged, Sample, StationBooted, TransactionStarted
from tests.api.conftest import NOW
from tests.api.recording import RecordingLive


async def test_a_new_station_gets_a_key_once_and_only_its_hash_is_kept(
    depot: httpx.AsyncClient, services: Services, live: RecordingLive
) -> None:
    live.told.clear()
    response = await depot.post("/api/v1/stations", json={"id": "CP-2", "site_id": "depot"})
    assert response.status_code == 201
    created = response.json()
    assert len(created["key"]) == 40
    assert created["connection_path"] == "/ocpp/CP-2"
    assert created["feeder_id"] == "grid"
    assert created["connectors"][0]["max_current_a"] == 32
    credentials = await services.store.station_credentials("CP-2")
    assert matches_hash(created["key"], services.pepper, credentials.key_hash)
    assert "key" not in (await depot.get("/api/v1/stations/CP-2")).json()
    assert live.told == [("site", "depot")]


async def test_a_station_of_profile_0_has_no_key(depot: httpx.AsyncClient, services: Services) -> None:
    station = {"id": "CP-2", "site_id": "depot", "security_profile": 0}
    assert (await depot.post("/api/v1/stations", json=station)).json()["key"] is None
    assert (await services.store.station_credentials("CP-2")).key_hash is None
    assert (await depot.post("/api/v1/stations/CP-2/key")).status_code == 409


async def test_a_rotated_key_replaces_the_old_one(depot: httpx.AsyncClient, services: Services) -> None:
    key = (await depot.post("/api/v1/stations/CP-1/key")).json()["key"]
    credentials = await services.store.station_credentials("CP-1")
    assert matches_hash(key, services.pepper, credentials.key_hash)


async def test_a_station_whose_fallback_does_not_fit_is_refused_with_the_cure(depot: httpx.AsyncClient) -> None:
    connectors = [{"id": n, "fallback_current_a": 32} for n in (1, 2)]
    station = {"id": "CP-2", "site_id": "depot", "feeder_id": "north", "connectors": connectors}
    response = await depot.post("/api/v1/stations", json=station)
    assert response.status_code == 422
    assert response.json()["type"] == "urn:problem-type:cpms:unsafe-configuration"
    [error] = response.json()["errors"]
    assert error["field"] == "limits[north].limit_a"
    assert "lower fallback_current_a" in error["cure"]
    assert (await depot.get("/api/v1/stations/CP-2")).status_code == 404


async def test_two_stations_that_fit_only_alone_are_not_both_accepted(depot: httpx.AsyncClient) -> None:
    def create(station_id: str):
        connectors = [{"id": 1, "fallback_current_a": 32}]
        station = {"id": station_id, "site_id": "depot", "feeder_id": "north", "connectors": connectors}
        return depot.post("/api/v1/stations", json=station)

    responses = await asyncio.gather(*(create(f"CP-{n}") for n in range(2, 6)))
    assert sorted(r.status_code for r in responses) == [201, 422, 422, 422]


async def test_a_station_that_cannot_be_is_refused(depot: httpx.AsyncClient) -> None:
    for change, status in [
        ({"id": "CP-1"}, 409),
        ({"site_id": "nowhere"}, 404),
        ({"feeder_id": "west"}, 422),
        ({"security_profile": 3}, 422),
        ({"connectors": []}, 422),
        ({"connectors": [{"id": 1}, {"id": 1}]}, 422),
        ({"connectors": [{"id": 0}]}, 422),
        ({"connectors": [{"id": 1, "phases": ["L1", "L1"]}]}, 422),
        ({"connectors": [{"id": 1, "phases": ["L4"]}]}, 422),
        ({"connectors": [{"id": 1, "fallback_current_a": 3}]}, 422),
        ({"connectors": [{"id": 1, "max_current_a": 5}]}, 422),
        ({"connectors": [{"id": 1, "step_a": 0}]}, 422),
        ({"connectors": [{"id": 1, "switching": {"min_dwell_s": -1}}]}, 422),
        ({"connectors": [{"id": 1, "phases": ["L1"], "switching": {}}]}, 422),
        ({"connectors": [{"id": 1, "phases": ["L1", "L2"], "switching": {"single": "L3"}}]}, 422),
        ({"connectors": [{"id": 1, "rotation_known": False, "switching": {}}]}, 422),
        ({"connectors": [{"id": 1, "fallback_current_a": 6, "switching": {}}]}, 422),
    ]:
        response = await depot.post("/api/v1/stations", json={"id": "CP-2", "site_id": "depot"} | change)
        assert response.status_code == status, response.text
        assert [s["id"] for s in (await depot.get("/api/v1/stations")).json()["items"]] == ["CP-1"]


async def test_a_connector_that_switches_phases_uses_the_stations_own_l1_unless_told_otherwise(
    depot: httpx.AsyncClient,
) -> None:
    connectors = [
        {"id": 1, "phases": ["L2", "L3", "L1"], "switching": {}},
        {"id": 2, "switching": {"single": "L3", "min_dwell_s": 900}},
        {"id": 3},
    ]
    body = {"id": "CP-2", "site_id": "depot", "connectors": connectors}
    assert (await depot.post("/api/v1/stations", json=body)).status_code == 201
    shown = (await depot.get("/api/v1/stations/CP-2")).json()["connectors"]
    assert [connector["switching"] for connector in shown] == [
        {"single": "L2", "min_dwell_s": 600.0},
        {"single": "L3", "min_dwell_s": 900.0},
        None,
    ]


async def test_an_id_is_taken_wherever_the_station_is(depot: httpx.AsyncClient) -> None:
    site = {"id": "other", "timezone": "UTC", "currency": "EUR", "grid_limit_a": 63}
    await depot.post("/api/v1/sites", json=site)
    assert (await depot.post("/api/v1/stations", json={"id": "CP-1", "site_id": "other"})).status_code == 409


async def test_stations_are_listed_by_site(depot: httpx.AsyncClient, live: RecordingLive) -> None:
    live.stations = {"CP-1"}
    [station] = (await depot.get("/api/v1/stations", params={"site_id": "depot"})).json()["items"]
    assert station["id"] == "CP-1"
    assert station["connected"] is True
    assert (await depot.get("/api/v1/stations", params={"site_id": "nowhere"})).status_code == 404


async def test_a_station_shows_its_last_boot_and_what_its_connectors_said(
    depot: httpx.AsyncClient, services: Services
) -> None:
    await services.store.record_boot(StationBooted("CP-1", NOW, vendor="Volt", model="V2", firmware_version="1.7"))
    status = ConnectorStatusChanged("CP-1", NOW, 1, ConnectorStatus.FAULTED, "GroundFailure", changed_at=NOW)
    await services.store.record_status(status)
    before = (await depot.get("/api/v1/stations/CP-1")).json()
    assert (before["clock_error_s"], before["clock_behind_s"]) == (None, None)
    await services.store.record_clocks({"CP-1": StationClock(95.0, 0.0, -90.0)}, NOW)
    body = (await depot.get("/api/v1/stations/CP-1")).json()
    assert (body["clock_error_s"], body["clock_behind_s"]) == (-90.0, 95.0)
    assert body["firmware_version"] == "1.7"
    assert [(s["connector_id"], s["status"], s["error_code"]) for s in body["statuses"]] == [
        (1, "Faulted", "GroundFailure")
    ]
    assert body["readings"] == []


async def test_a_station_shows_its_last_readings(depot: httpx.AsyncClient, services: Services) -> None:
    key = ConnectorKey("CP-1", 1)
    samples = [
        Sample(key, NOW + timedelta(seconds=n), NOW, power_kw=7.0 + n, current_a=(10.0, None, 10.5)) for n in (0, 1)
    ]
    await services.store.add_samples(samples)
    [reading] = (await depot.get("/api/v1/stations/CP-1")).json()["readings"]
    assert (reading["connector_id"], reading["power_kw"], reading["energy_kwh"]) == (1, 8.0, None)
    assert reading["current_a"] == [10.0, None, 10.5]


async def test_a_retired_station_is_listed_no_longer_and_still_found(
    depot: httpx.AsyncClient, services: Services, live: RecordingLive
) -> None:
    live.told.clear()
    assert (await depot.delete("/api/v1/stations/CP-1")).status_code == 204
    assert live.told == [("retired", "CP-1")]
    await services.store.release_retired()
    assert (await depot.get("/api/v1/stations")).json()["items"] == []
    found = (await depot.get("/api/v1/stations/CP-1")).json()
    assert datetime.fromisoformat(found["retired_at"]) == NOW
    assert [connector["id"] for connector in found["connectors"]] == [1]
    assert (await depot.get("/api/v1/sites/depot")).json()["station_ids"] == []
    assert (await depot.delete("/api/v1/stations/CP-1")).status_code == 404
    assert (await depot.post("/api/v1/stations/CP-1/key")).status_code == 404
    assert (await depot.put("/api/v1/stations/CP-1", json={"connectors": [{"id": 1}]})).status_code == 404
    again = await depot.post("/api/v1/stations", json={"id": "CP-1", "site_id": "depot"})
    assert again.status_code == 201
    assert again.json()["retired_at"] is None


async def test_a_station_in_use_is_retired_only_when_it_is_surely_off(
    depot: httpx.AsyncClient, services: Services, live: RecordingLive
) -> None:
    started = TransactionStarted("CP-1", NOW, 1, NOW, None, "TAG", 100.0)
    session = (await services.store.record_transaction(started)).session
    refused = await depot.delete("/api/v1/stations/CP-1")
    assert refused.status_code == 409
    assert f"Session {session.id} is open on CP-1/1" in refused.json()["detail"]
    assert "?force=true" in refused.json()["detail"]
    live.told.clear()
    assert (await depot.delete("/api/v1/stations/CP-1", params={"force": "true"})).status_code == 204
    assert live.told == [("retired", "CP-1"), ("ended", session.id)]
    assert (await depot.get(f"/api/v1/sessions/{session.id}")).json()["estimated"] is True


async def test_a_station_is_changed_and_what_would_not_be_safe_is_refused(
    depot: httpx.AsyncClient, live: RecordingLive
) -> None:
    live.told.clear()
    connectors = [{"id": 1, "max_current_a": 16, "fallback_current_a": 6}, {"id": 2}]
    changed = await depot.put("/api/v1/stations/CP-1", json={"feeder_id": "south", "connectors": connectors})
    assert changed.status_code == 200
    assert [c["id"] for c in changed.json()["connectors"]] == [1, 2]
    assert live.told == [("site", "depot")]
    unsafe = [{"id": n, "fallback_current_a": 32} for n in (1, 2)]
    for body, status in [
        ({"feeder_id": "south", "connectors": unsafe}, 422),
        ({"connectors": []}, 422),
        ({"connectors": [{"id": 1}], "id": "CP-2"}, 422),
        ({"connectors": [{"id": 1}], "site_id": "other"}, 422),
        ({"connectors": [{"id": 1}, {"id": 1}]}, 422),
    ]:
        assert (await depot.put("/api/v1/stations/CP-1", json=body)).status_code == status, body
    assert (await depot.get("/api/v1/stations/CP-1")).json()["feeder_id"] == "south"
    assert (await depot.put("/api/v1/stations/CP-9", json={"connectors": [{"id": 1}]})).status_code == 404


async def test_a_connector_left_out_is_shown_no_longer(depot: httpx.AsyncClient) -> None:
    for ids in ([1, 2], [2]):
        body = {"feeder_id": "north", "connectors": [{"id": n} for n in ids]}
        assert (await depot.put("/api/v1/stations/CP-1", json=body)).status_code == 200
        found = (await depot.get("/api/v1/stations/CP-1")).json()
        assert [connector["id"] for connector in found["connectors"]] == ids
