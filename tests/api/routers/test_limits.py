from __future__ import annotations

import httpx

from api import Services
from tests.api.recording import RecordingLive

LIMITS = "/api/v1/sites/depot/limits"
EVENTS = "/api/v1/sites/depot/events"
EVENT = {
    "name": "Evening peak",
    "starts_at": "2026-01-15T17:00:00Z",
    "ends_at": "2026-01-15T19:00:00Z",
    "limit_kw": 30,
}


async def test_limits_replace_those_there_were(depot: httpx.AsyncClient, live: RecordingLive) -> None:
    await depot.put(LIMITS, json={"items": [{"limit_kw": 50}, {"feeder_id": "north", "limit_a": 40}]})
    live.told.clear()
    body = {"items": [{"id": "m1", "limit_kw": 40, "starts_at": "2026-01-15T18:00:00+01:00", "reason": "maintenance"}]}
    response = await depot.put(LIMITS, json=body)
    assert response.status_code == 200
    assert response.json() == (await depot.get(LIMITS)).json()
    [limit] = response.json()["items"]
    assert limit["feeder_id"] == "grid"
    assert limit["starts_at"] == "2026-01-15T17:00:00Z"
    assert live.told == [("limits", "depot")]
    await depot.put(LIMITS, json={"items": []})
    assert (await depot.get(LIMITS)).json() == {"items": []}


async def test_a_limit_below_the_fallbacks_is_refused_and_nothing_changes(
    depot: httpx.AsyncClient, live: RecordingLive
) -> None:
    await depot.put(LIMITS, json={"items": [{"id": "kept", "limit_kw": 50}]})
    live.told.clear()
    response = await depot.put(LIMITS, json={"items": [{"limit_kw": 3}]})
    assert response.status_code == 422
    assert response.json()["type"] == "urn:problem-type:cpms:unsafe-configuration"
    assert "raise the limit" in response.json()["errors"][0]["cure"]
    assert [limit["id"] for limit in (await depot.get(LIMITS)).json()["items"]] == ["kept"]
    assert live.told == []


async def test_a_limit_that_cannot_be_is_refused(depot: httpx.AsyncClient) -> None:
    for limit, field in [
        ({}, "items[0]"),
        ({"limit_kw": 40, "feeder_id": "west"}, "items[0].feeder_id"),
        ({"limit_kw": -1}, "items[0].limit_kw"),
        ({"limit_kw": 40, "limit_w": 4}, "items[0].limit_w"),
        (
            {"limit_kw": 40, "starts_at": "2026-01-15T18:00:00Z", "ends_at": "2026-01-15T18:00:00Z"},
            "items[0].ends_at",
        ),
    ]:
        response = await depot.put(LIMITS, json={"items": [limit]})
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == field


async def test_an_event_is_added_changed_listed_and_cancelled(depot: httpx.AsyncClient, live: RecordingLive) -> None:
    live.told.clear()
    created = await depot.post(EVENTS, json=EVENT)
    assert created.status_code == 201
    event_id = created.json()["id"]
    changed = await depot.put(f"{EVENTS}/{event_id}", json=EVENT | {"limit_kw": 25})
    assert changed.json()["limit_kw"] == 25
    assert (await depot.get(EVENTS)).json()["items"] == [changed.json()]
    cancelled = await depot.delete(f"{EVENTS}/{event_id}")
    assert cancelled.status_code == 200
    assert cancelled.json()["status"] == "cancelled"
    assert (await depot.get(EVENTS)).json()["items"] == [cancelled.json()]
    assert live.told == [("events", "depot")] * 3
    assert (await depot.delete(f"{EVENTS}/unknown")).status_code == 404


async def test_an_event_below_the_fallbacks_is_refused(depot: httpx.AsyncClient) -> None:
    response = await depot.put(f"{EVENTS}/e1", json=EVENT | {"limit_kw": 1})
    assert response.status_code == 422
    assert "Evening peak" in response.json()["detail"]
    assert (await depot.get(EVENTS)).json() == {"items": []}


async def test_a_station_that_does_not_fit_under_a_coming_event_is_refused(depot: httpx.AsyncClient) -> None:
    await depot.put(f"{EVENTS}/e1", json=EVENT | {"limit_kw": 6})
    station = {"id": "CP-2", "site_id": "depot", "connectors": [{"id": 1, "fallback_current_a": 6}]}
    response = await depot.post("/api/v1/stations", json=station)
    assert response.status_code == 422
    await depot.delete(f"{EVENTS}/e1")
    assert (await depot.post("/api/v1/stations", json=station)).status_code == 201


async def test_an_event_that_ends_before_it_starts_is_refused(depot: httpx.AsyncClient) -> None:
    response = await depot.post(EVENTS, json=EVENT | {"ends_at": "2026-01-15T16:00:00Z"})
    assert response.json()["errors"][0]["field"] == "ends_at"


async def test_an_event_is_pending_before_active_while_and_completed_after(
    depot: httpx.AsyncClient, services: Services
) -> None:
    event = {"name": "Peak", "starts_at": "2026-01-15T18:00:00Z", "ends_at": "2026-01-15T19:00:00Z", "limit_kw": 40}
    assert (await depot.post(EVENTS, json=event)).json()["status"] == "pending"
    for hours, status in ((6, "active"), (1, "completed")):
        services.clock.advance(hours * 3600)
        assert [one["status"] for one in (await depot.get(EVENTS)).json()["items"]] == [status]
