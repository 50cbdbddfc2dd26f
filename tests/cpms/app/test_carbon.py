"""CO2 of the grid from a recorded service into a real database, and on to the controllers."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from cpms.app.carbon import CarbonWatch
from cpms.control.events import ControlEvent, ForecastsChanged
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.site import Site
from cpms.domain.time import Interval, ManualClock, floor_time
from data.store import Store
from forecasting.prices.carbon import CarbonIntensityGb, CarbonInterval
from tests.cpms.app.past import NOW, SITE, build
from tests.forecasting.services import service

LONDON = replace(SITE, timezone="Europe/London")


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
        await opened.put_site(LONDON)
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


@pytest.mark.parametrize(
    "elsewhere", [SITE, replace(LONDON, region="GB-NIR")], ids=["on the continent", "in Northern Ireland"]
)
async def test_a_site_on_another_grid_is_told_nothing(store: Store, elsewhere: Site) -> None:
    await store.put_site(replace(elsewhere, id="elsewhere", name="Elsewhere"))
    told: list[str] = []
    async with service((200, answer(150, 210))) as (url, _), httpx.AsyncClient() as client:
        carbon = CarbonIntensityGb(client, url)
        watching = CarbonWatch(
            store,
            carbon,
            lambda: ("office", "elsewhere"),
            lambda site_id, _: told.append(site_id),
            ManualClock(NOW),
            900,
        )
        await watching.round()
    assert told == ["office"]
    assert await store.latest_forecast("elsewhere", ForecastQuantity.CO2_G_PER_KWH) is None
    assert watching.counters["sites_elsewhere"] == 1


async def test_what_came_is_kept_and_corrects_the_bands_of_what_is_told_next(store: Store) -> None:
    clock, told = ManualClock(NOW - timedelta(days=3)), []
    errors = itertools.cycle((-30.0, -10.0, 0.0, 10.0, 30.0))
    truth: dict[datetime, float] = {}

    class Operator:
        """Tells 200 g of every half hour to come, and what it was when it is over."""

        async def intensity(self, now: datetime) -> tuple[CarbonInterval, ...]:
            half = timedelta(minutes=30)
            first = floor_time(now, 1800)
            before = [first - n * half for n in (2, 1) if first - n * half >= NOW - timedelta(days=3)]
            came = [
                CarbonInterval(Interval(at, at + half), truth.setdefault(at, 200 + next(errors)), True) for at in before
            ]
            return (
                *came,
                *(CarbonInterval(Interval(first + n * half, first + (n + 1) * half), 200.0) for n in range(12)),
            )

        def problem(self) -> str:
            return ""

        def serves(self, site: Site) -> bool:
            return True

    watching = CarbonWatch(store, Operator(), lambda: ("office",), lambda *one: told.append(one), clock, 1800)
    for _ in range(5 * 48):
        await watching.round()
        clock.advance(1800)
    forecasts = [event.forecasts[0] for _, event in told if isinstance(event, ForecastsChanged)]
    assert forecasts[0].levels == (0.5,)
    assert forecasts[-1].quantile(0.5)[0] == pytest.approx(200.0, abs=5.0)
    assert 30.0 < forecasts[-1].quantile(0.9)[0] - forecasts[-1].quantile(0.1)[0] < 90.0
    points = await store.forecast_points("office", ForecastQuantity.CO2_G_PER_KWH, NOW - timedelta(days=4), clock.now())
    assert {point.horizon_s for point in points} == {0, 3600, 4 * 3600}
    assert await store.grid_carbon(NOW - timedelta(days=4), clock.now()) == truth
