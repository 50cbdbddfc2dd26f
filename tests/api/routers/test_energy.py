from __future__ import annotations

from datetime import timedelta

import httpx

from api import Services
from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import Sample
from tests.api.conftest import NOW

PATH = "/api/v1/sites/depot/energy"
KEY = ConnectorKey("CP-1", 1)


async def charge(services: Services) -> None:
    """1 kWh in every quarter hour of the last two days."""
    instants = [NOW - timedelta(minutes=15 * n) for n in range(192, -1, -1)]
    samples = [Sample(KEY, at, at, power_kw=4.0, energy_kwh=100.0 + n) for n, at in enumerate(instants)]
    await services.store.add_samples(samples)


async def test_a_sites_energy_is_told_in_quarter_hours_hours_and_local_days(
    depot: httpx.AsyncClient, services: Services
) -> None:
    await charge(services)
    body = (await depot.get(PATH)).json()
    [series] = body["series"]
    assert (body["resolution"], body["timezone"], series["station_id"]) == ("15min", "Europe/Amsterdam", None)
    assert (len(series["items"]), series["energy_kwh"]) == (96, 96.0)
    assert series["items"][0] == {
        "starts_at": "2026-01-14T12:00:00Z", "ends_at": "2026-01-14T12:15:00Z", "energy_kwh": 1.0, "mean_kw": 4.0, "peak_kw": 4.0,
        "max_kw": None,
    }  # fmt: skip
    span = {"from": "2026-01-14T00:00:00+01:00", "to": "2026-01-15T00:00:00+01:00"}
    for resolution, count, energy_kwh in (("hour", 24, 4.0), ("day", 1, 96.0)):
        [series] = (await depot.get(PATH, params={"resolution": resolution, **span})).json()["series"]
        assert [item["energy_kwh"] for item in series["items"]] == [energy_kwh] * count
        assert {item["mean_kw"] for item in series["items"]} == {4.0}


async def test_the_present_quarter_hour_is_told_once_it_is_over(depot: httpx.AsyncClient, services: Services) -> None:
    await charge(services)
    services.clock.advance(800)
    for query in ({}, {"to": "2026-01-15T20:00:00Z"}):
        [series] = (await depot.get(PATH, params={"from": "2026-01-15T11:00:00Z", **query})).json()["series"]
        assert [item["energy_kwh"] for item in series["items"]] == [1.0] * 4
    [series] = (await depot.get(PATH, params={"from": "2026-01-15T11:30:00Z", "resolution": "hour"})).json()["series"]
    assert [item["energy_kwh"] for item in series["items"]] == [4.0]


async def test_energy_is_told_by_connector_too(depot: httpx.AsyncClient, services: Services) -> None:
    await charge(services)
    [series] = (await depot.get(PATH, params={"by": "connector", "resolution": "hour"})).json()["series"]
    assert (series["station_id"], series["connector_id"], series["energy_kwh"]) == ("CP-1", 1, 96.0)
    assert series["items"][3]["max_kw"] == 4.0


async def test_a_site_without_any_has_steps_of_zero(depot: httpx.AsyncClient) -> None:
    [series] = (await depot.get(PATH, params={"resolution": "hour"})).json()["series"]
    assert [item["energy_kwh"] for item in series["items"]] == [0.0] * 24
    assert (await depot.get(PATH, params={"by": "connector"})).json()["series"] == []


async def test_energy_of_a_retired_site_is_still_told(depot: httpx.AsyncClient, services: Services) -> None:
    await charge(services)
    await depot.delete("/api/v1/stations/CP-1")
    await services.store.release_retired()
    assert (await depot.delete("/api/v1/sites/depot")).status_code == 204
    assert (await depot.get(PATH)).json()["series"][0]["energy_kwh"] == 96.0


async def test_what_cannot_be_told_is_refused_with_the_cure(depot: httpx.AsyncClient) -> None:
    for query, status in [
        ({"from": "2026-01-15T12:00:00Z", "to": "2026-01-15T12:00:00Z"}, 422),
        ({"from": "2026-01-15T12:30:00Z", "to": "2026-01-15T13:00:00Z"}, 422),
        ({"from": "2020-01-15T12:00:00Z", "resolution": "hour"}, 422),
        ({"from": "2001-01-15T12:00:00Z", "to": "2200-01-15T12:00:00Z"}, 422),
        ({"from": "2026-01-15T12:00:00"}, 422),
        ({"resolution": "week"}, 422),
        ({"since": "2026-01-15T12:00:00Z"}, 422),
    ]:
        response = await depot.get(PATH, params=query)
        assert response.status_code == status, response.text
    assert (await depot.get("/api/v1/sites/nowhere/energy")).status_code == 404
