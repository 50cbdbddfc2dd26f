from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

import optimizer
from tests.api.recording import RecordingLive
from tests.optimizer.requests import feeder, need, request

ASKED = replace(
    request(need("low", 20.0), need("high", 20.0, priority=1), feeders=(feeder(4, import_kw=6.0),)), site_id="depot"
)


@pytest.fixture
def planned(depot: httpx.AsyncClient, live: RecordingLive) -> httpx.AsyncClient:
    """The depot, with a plan for two sessions of which one goes before the other."""
    live.plans["depot"] = ASKED, optimizer.plan(ASKED)
    return depot


@pytest.mark.parametrize(
    "path", ["plan/explanation", "flexibility?starts_at=2026-03-02T18:00:00Z&ends_at=2026-03-02T20:00:00Z"]
)
async def test_there_is_nothing_to_say_before_the_first_plan(depot: httpx.AsyncClient, path: str) -> None:
    response = await depot.get(f"/api/v1/sites/depot/{path}")
    assert response.status_code == 404
    assert "no plan" in response.json()["detail"]


async def test_an_explanation_names_limits_priorities_one_more_kilowatt_and_the_rule(
    planned: httpx.AsyncClient,
) -> None:
    body = (await planned.get("/api/v1/sites/depot/plan/explanation")).json()
    assert body["binding"][0]["reason"] == "grid connection"
    [price] = body["priorities"]
    assert price["session_id"] == "high"
    assert price["gained_kwh"] > 0
    more = body["one_more_kw"]
    assert 0 < more["saving_at_least"] <= more["saving"] <= more["saving_at_most"]
    assert body["served_more_kwh"] >= -0.1
    assert body["currency"] == "EUR"


async def test_what_if_answers_without_changing_anything(planned: httpx.AsyncClient, live: RecordingLive) -> None:
    before = live.plans["depot"]
    response = await planned.post(
        "/api/v1/sites/depot/plan/what-if",
        json={"more_grid_kw": 3, "needs": [{"session_id": "low", "energy_kwh": 5}]},
    )
    body = response.json()
    assert response.status_code == 200
    assert body["saving"] > 0
    assert body["shortfall_change_kwh"]["low"] < 0
    assert live.plans["depot"] == before


async def test_what_can_be_moved_has_an_energy_and_a_price(planned: httpx.AsyncClient) -> None:
    params = {"starts_at": "2026-03-02T18:00:00Z", "ends_at": "2026-03-02T20:00:00Z", "price_limit_per_kwh": 100000}
    assert (await planned.get("/api/v1/sites/depot/flexibility", params=params)).status_code == 422
    params["price_limit_per_kwh"] = 0.5
    body = (await planned.get("/api/v1/sites/depot/flexibility", params=params)).json()
    assert len(body["shed"]["change_kw"]) == len(body["steps"]) == 4
    assert body["added"]["energy_kwh"] >= 0


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"needs": [{"session_id": "nobody"}]}, "needs[0].session_id"),
        ({"more_grid_kw": -5000}, "more_grid_kw"),
        ({"needs": [{"session_id": "low", "energy_kwh": -1}]}, "needs"),
        ({"more_grid": 3}, "more_grid"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    planned: httpx.AsyncClient, wrong: dict[str, object], field: str
) -> None:
    response = await planned.post("/api/v1/sites/depot/plan/what-if", json=wrong)
    assert response.status_code == 422
    assert field in response.text
