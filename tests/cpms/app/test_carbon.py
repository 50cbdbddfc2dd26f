"""CO2 of the grid from a recorded service into a real database, and on to the controllers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from cpms.app.carbon import CarbonWatch
from cpms.control.events import ControlEvent, ForecastsChanged
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.time import ManualClock
from data.store import Store
from forecasting.prices.carbon import CarbonIntensityGb
from tests.cpms.app.past import NOW, build
from tests.forecasting.services import service


def answer(*grams: float) -> bytes:
    rows = [
        {"from": f"2026-06-15T{7 + n:02}:00Z", "to": f"2026-06-15T{8 + n:02}:00Z", "intensity": {"forecast": g, "actual": None}}
        for n, g in enumerate(grams)
    ]  # fmt: skip
    return json.dumps({"data": rows}).encode()


@pytest.fixture
async def store(embedded_dsn: str) -> AsyncIterator[Store]:
    async with Store.open(embedded_dsn) as opened:
        await build(opened)
        yield opened


async def test_what_is_new_is_kept_with_its_issue_and_told_once(store: Store) -> None:
    told: list[tuple[str, ControlEvent]] = []
    async with service((200, answer(150, 210)), (500, b"")) as (url, _), httpx.AsyncClient() as client:
        carbon = CarbonIntensityGb(client, url)
        watching = CarbonWatch(store, carbon, lambda: ("office",), lambda *one: told.append(one), ManualClock(NOW), 900)
        await watching.round()
        await watching.round()
        watching.clock.advance(1800)
        await watching.round()
    [(site_id, event)] = told
    assert isinstance(event, ForecastsChanged)
    (forecast,) = event.forecasts
    assert (site_id, forecast.issued_at, forecast.values) == ("office", NOW, ((150.0,), (210.0,)))
    assert await store.latest_forecast("office", ForecastQuantity.CO2_G_PER_KWH) == forecast
    assert watching.detail == "known until 2026-06-15 09:00 UTC (HTTPStatusError status 500)"
    assert watching.counters["in_trouble"] == 1
