from __future__ import annotations

import httpx
import pytest

from api import Services
from cpms.control.kept import Kept
from cpms.control.state import ConnectorState, FeederState, SiteState
from cpms.domain.identity import ConnectorKey
from cpms.domain.need import Fairness
from cpms.domain.plan import PlanStatus
from cpms.domain.site import Place
from tests.api.conftest import NOW
from tests.api.recording import RecordingLive

SITE = {"id": "s1", "name": "One", "timezone": "Europe/Amsterdam", "currency": "EUR", "grid_limit_a": 63}


async def test_a_site_without_feeders_has_one_called_grid(client: httpx.AsyncClient, live: RecordingLive) -> None:
    response = await client.post("/api/v1/sites", json=SITE)
    assert response.status_code == 201
    assert response.json()["feeders"] == [{"id": "grid", "limit_a": 63.0, "parent_id": None}]
    assert response.json()["max_voltage_v"] == 253.0
    assert live.told == [("site", "s1")]


async def test_the_import_limit_alone_gives_the_fuse_that_carries_it_balanced(client: httpx.AsyncClient) -> None:
    site = {"id": "s1", "timezone": "UTC", "currency": "EUR", "import_limit_kw": 69}
    response = await client.post("/api/v1/sites", json=site)
    assert response.json()["feeders"][0]["limit_a"] == pytest.approx(100.0)


async def test_a_stored_site_reads_back_as_it_was_given(depot: httpx.AsyncClient, services: Services) -> None:
    body = (await depot.get("/api/v1/sites/depot")).json()
    assert {f["id"] for f in body["feeders"]} == {"grid", "north", "south"}
    assert body["import_limit_kw"] == 60
    assert body["live"] is None
    assert [s["id"] for s in (await depot.get("/api/v1/sites")).json()["items"]] == ["depot"]
    assert (await services.store.site("depot")).station_by_id.keys() == {"CP-1"}


async def test_a_site_keeps_the_holidays_of_its_region_until_it_is_said_otherwise(client: httpx.AsyncClient) -> None:
    created = await client.post("/api/v1/sites", json=SITE | {"region": "DE-BY"})
    assert (created.status_code, created.json()["region"]) == (201, "DE-BY")
    assert (await client.get("/api/v1/sites/s1")).json()["region"] == "DE-BY"
    changed = await client.put("/api/v1/sites/s1", json=SITE)
    assert (changed.status_code, changed.json()["region"]) == (200, None)


async def test_a_site_without_an_array_says_where_it_is(client: httpx.AsyncClient, services: Services) -> None:
    place = {"latitude_deg": 48.1, "longitude_deg": 11.5}
    assert (await client.post("/api/v1/sites", json=SITE | {"place": place})).json()["place"] == place
    assert (await services.store.site("s1")).weather_place == Place(48.1, 11.5)
    refused = await client.put("/api/v1/sites/s1", json=SITE | {"place": {"latitude_deg": 91, "longitude_deg": 0}})
    assert refused.status_code == 422
    assert (await client.put("/api/v1/sites/s1", json=SITE)).json()["place"] is None


async def test_a_site_says_how_it_wants_to_be_planned(client: httpx.AsyncClient, services: Services) -> None:
    wanted = {"fairness": "proportional", "chance_level": 0.99, "shortfall_price_per_kwh": 2.0}
    created = await client.post("/api/v1/sites", json=SITE | {"policy": wanted, "export_limit_kw": 7})
    assert (created.status_code, created.json()["policy"], created.json()["export_limit_kw"]) == (201, wanted, 7)
    assert (await services.store.site("s1")).policy.fairness is Fairness.PROPORTIONAL
    again = await client.put("/api/v1/sites/s1", json=created.json())
    assert again.json() == created.json()
    for wrong in ({"fairness": "equal"}, {"chance_level": 1.0}, {"shortfall_price_per_kwh": -1}, {"speed": 3}):
        response = await client.put("/api/v1/sites/s1", json=SITE | {"policy": wanted | wrong})
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == f"policy.{next(iter(wrong))}"


async def test_a_region_without_known_holidays_is_refused_with_the_cure(client: httpx.AsyncClient) -> None:
    for region in ("Bavaria", "de-by", "", "XX", "DE-XX"):
        response = await client.post("/api/v1/sites", json=SITE | {"region": region})
        assert response.status_code == 422
        [error] = response.json()["errors"]
        assert error["field"] == "region"
        assert "DE-BY" in error["cure"]
    assert (await client.get("/api/v1/sites")).json() == {"items": []}


async def test_a_second_site_with_the_same_id_is_a_conflict(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/sites", json=SITE)
    response = await client.post("/api/v1/sites", json=SITE | {"name": "Another"})
    assert response.status_code == 409
    assert (await client.get("/api/v1/sites/s1")).json()["name"] == "One"


async def test_a_site_that_contradicts_itself_is_refused(client: httpx.AsyncClient) -> None:
    for change, field in [
        ({"feeders": [{"id": "a", "limit_a": 10}]}, "grid_limit_a"),
        ({"grid_limit_a": None}, "feeders"),
        ({"grid_limit_a": None, "feeders": [{"id": "a", "limit_a": 1}, {"id": "b", "limit_a": 1}]}, "feeders"),
        (
            {
                "grid_limit_a": None,
                "feeders": [
                    {"id": "a", "limit_a": 1},
                    {"id": "b", "limit_a": 1, "parent_id": "c"},
                    {"id": "c", "limit_a": 1, "parent_id": "b"},
                ],
            },
            "feeders[b].parent_id",
        ),
        ({"max_voltage_v": 200}, "max_voltage_v"),
        ({"currency": "eur"}, "currency"),
        ({"reserved_other_load_kw": 50}, "limits[grid].limit_a"),
    ]:
        response = await client.post("/api/v1/sites", json=SITE | change)
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == [field]
        assert (await client.get("/api/v1/sites")).json() == {"items": []}


async def test_changing_a_site_keeps_its_stations_and_tells_its_controller(
    depot: httpx.AsyncClient, live: RecordingLive
) -> None:
    body = {"timezone": "UTC", "currency": "EUR", "feeders": [{"id": "grid", "limit_a": 50}]}
    body["feeders"].append({"id": "north", "limit_a": 40, "parent_id": "grid"})
    live.told.clear()
    response = await depot.put("/api/v1/sites/depot", json=body)
    assert response.status_code == 200
    assert live.told == [("site", "depot")]
    assert (await depot.get("/api/v1/sites/depot")).json()["timezone"] == "UTC"
    assert (await depot.get("/api/v1/stations/CP-1")).json()["feeder_id"] == "north"


async def test_a_feeder_with_stations_or_limits_cannot_be_taken_away(depot: httpx.AsyncClient) -> None:
    body = {"timezone": "UTC", "currency": "EUR", "feeders": [{"id": "grid", "limit_a": 50}]}
    response = await depot.put("/api/v1/sites/depot", json=body)
    assert response.json()["errors"][0]["field"] == "feeder_id"
    await depot.put("/api/v1/sites/depot/limits", json={"items": [{"feeder_id": "south", "limit_a": 20}]})
    body["feeders"].append({"id": "north", "limit_a": 40, "parent_id": "grid"})
    response = await depot.put("/api/v1/sites/depot", json=body)
    assert response.status_code == 422
    assert "south" in response.json()["detail"]


async def test_a_fuse_below_the_fallbacks_is_refused_with_the_cure(depot: httpx.AsyncClient) -> None:
    body = {"timezone": "UTC", "currency": "EUR", "feeders": [{"id": "grid", "limit_a": 50}]}
    body["feeders"].append({"id": "north", "limit_a": 5, "parent_id": "grid"})
    response = await depot.put("/api/v1/sites/depot", json=body)
    assert response.status_code == 422
    assert response.json()["type"] == "urn:problem-type:cpms:unsafe-configuration"
    assert "lower fallback_current_a" in response.json()["errors"][0]["cure"]


async def test_a_site_does_not_change_its_id(depot: httpx.AsyncClient) -> None:
    response = await depot.put("/api/v1/sites/depot", json=SITE)
    assert response.json()["errors"][0]["field"] == "id"


async def test_unknown_sites_are_not_found(client: httpx.AsyncClient) -> None:
    topics = ("", "/limits", "/events", "/tariff", "/plan", "/plans", "/forecasts", "/measurements", "/alarms")
    for topic in topics:
        assert (await client.get(f"/api/v1/sites/nowhere{topic}")).status_code == 404, topic


async def test_the_live_state_tells_power_limit_worst_case_and_headroom(
    depot: httpx.AsyncClient, live: RecordingLive
) -> None:
    connector = ConnectorState(
        connector=ConnectorKey("CP-1", 1),
        online=True,
        confirmed=True,
        quarantined=False,
        session_id="s1",
        limit_a=16.0,
        worst_case_a=20.0,
        planned_a=16.0,
        power_kw=10.9,
        lease_ends_at=NOW,
        why="as planned",
        clock_error_s=-90.0,
        late_s=105.0,
    )
    feeder = FeederState(
        feeder_id="grid",
        limit_a=100.0,
        limit_kw=60.0,
        reason="grid connection",
        worst_case_a=(20.0, 20.0, 20.0),
        worst_case_kw=15.2,
        headroom_a=(80.0, 80.0, 80.0),
        headroom_kw=44.8,
        measured_kw=None,
        measured_at=None,
        shedding=False,
    )
    room = Kept(ConnectorKey("CP-2", 1), 22.1, "not connected")
    live.states["depot"] = SiteState(
        "depot", NOW, (connector,), (feeder,), "p1", PlanStatus.OPTIMAL, NOW, ("plug-in",), (room,)
    )
    body = (await depot.get("/api/v1/sites/depot")).json()
    assert body["station_ids"] == ["CP-1"]
    [shown] = body["live"]["connectors"]
    assert (shown["station_id"], shown["connector_id"], shown["session_id"]) == ("CP-1", 1, "s1")
    assert (shown["power_kw"], shown["limit_a"], shown["worst_case_a"], shown["why"]) == (
        10.9,
        16.0,
        20.0,
        "as planned",
    )
    assert (shown["clock_error_s"], shown["late_s"]) == (-90.0, 105.0)
    [grid] = body["live"]["feeders"]
    assert (grid["headroom_a"], grid["headroom_kw"], grid["measured_kw"]) == ([80.0] * 3, 44.8, None)
    [kept] = body["live"]["kept"]
    assert (kept["station_id"], kept["power_kw"], kept["why"], kept["until"]) == ("CP-2", 22.1, "not connected", None)
    assert (body["live"]["plan_status"], body["live"]["planning_because"]) == ("optimal", ["plug-in"])


async def test_a_site_is_retired_after_its_stations(
    depot: httpx.AsyncClient, services: Services, live: RecordingLive
) -> None:
    refused = await depot.delete("/api/v1/sites/depot")
    assert refused.status_code == 409
    assert "has stations: CP-1. Retire them first." in refused.json()["detail"]
    await depot.delete("/api/v1/stations/CP-1")
    await services.store.release_retired()
    assert (await depot.delete("/api/v1/sites/depot")).status_code == 204
    assert live.told[-1] == ("site retired", "depot")
    assert (await depot.get("/api/v1/sites")).json()["items"] == []
    assert (await depot.get("/api/v1/sites/depot")).status_code == 404
    assert (await depot.delete("/api/v1/sites/depot")).status_code == 404
