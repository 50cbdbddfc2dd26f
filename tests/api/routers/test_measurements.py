from __future__ import annotations

import httpx

from tests.api.recording import RecordingLive

PATH = "/api/v1/sites/depot/measurements"
READING = {"measured_at": "2026-01-15T11:59:30Z", "power_kw": 41.5, "solar_kw": 3.25}


async def test_readings_are_stored_and_told_the_controller(depot: httpx.AsyncClient, live: RecordingLive) -> None:
    body = {"items": [READING, {"feeder_id": "north", "measured_at": "2026-01-15T12:59:40+01:00", "power_kw": 7}]}
    body["items"][1]["current_a"] = [10, None, 10.5]
    response = await depot.post(PATH, json=body)
    assert (response.status_code, response.json()) == (202, {"accepted": 2})
    assert [(m.feeder_id, m.power_kw) for m in live.measurements] == [("grid", 41.5), ("north", 7)]
    [root] = (await depot.get(PATH)).json()["items"]
    assert (root["power_kw"], root["solar_kw"], root["measured_at"]) == (41.5, 3.25, "2026-01-15T11:59:30Z")
    [north] = (await depot.get(PATH, params={"feeder_id": "north"})).json()["items"]
    assert north["current_a"] == [10.0, None, 10.5]
    assert (await depot.get(PATH, params={"since": "2026-01-15T12:00:00Z"})).json() == {"items": []}


async def test_a_reading_handed_in_twice_is_stored_once(depot: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await depot.post(PATH, json={"items": [READING, READING]})).status_code == 202
    assert len((await depot.get(PATH)).json()["items"]) == 1


async def test_one_bad_reading_is_named_and_nothing_of_the_batch_is_stored(
    depot: httpx.AsyncClient, live: RecordingLive
) -> None:
    for change, field in [
        ({"measured_at": "2026-01-15T11:59:30"}, "measured_at"),
        ({"measured_at": "2026-01-15T12:30:00Z"}, "measured_at"),
        ({"measured_at": "0001-01-01T00:00:00Z"}, "measured_at"),
        ({"power_kw": "NaN"}, "power_kw"),
        ({"power_kw": None}, "power_kw"),
        ({"current_a": [1, 2]}, "current_a[2]"),
        ({"feeder_id": "west"}, "feeder_id"),
        ({"power_w": 41500}, "power_w"),
        ({"solar_kw": "bright"}, "solar_kw"),
    ]:
        response = await depot.post(PATH, json={"items": [READING, READING | change]})
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == f"items[1].{field}"
        assert live.measurements == []
        assert (await depot.get(PATH)).json() == {"items": []}


async def test_readings_of_an_unknown_feeder_cannot_be_listed(depot: httpx.AsyncClient) -> None:
    assert (await depot.get(PATH, params={"feeder_id": "west"})).status_code == 422
