from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cpms.domain.errors import Conflict, InvalidInput, NotFound
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.grid import DemandResponseEvent, EventStatus, GridLimit, LimitSource
from cpms.domain.plan import Plan, PlanStatus, SessionPlan
from cpms.domain.tariff import Tariff
from cpms.domain.time import Interval
from data.store import Store
from tests.data.examples import KEY, NOW, SITE, at, build

HOUR = Interval(NOW, NOW + timedelta(hours=1))
LIMIT = GridLimit("l1", "grid", limit_kw=40.0, starts_at=NOW, source=LimitSource.OPERATOR, reason="roadworks")
EVENT = DemandResponseEvent("e1", "depot", "evening", at(60), at(120), 30.0)
PLAN = Plan(
    "p1", "r1", "depot", NOW, PlanStatus.OPTIMAL, (HOUR,), (SessionPlan("s1", KEY, (16.0,), (11.0,)),), 1.5, 1.4, 0.07
)


async def test_limits_are_replaced_as_a_whole_or_not_at_all(store: Store) -> None:
    await build(store)
    await store.replace_limits("depot", [LIMIT, GridLimit("l2", "north", limit_a=32.0)])
    await store.replace_limits("depot", [LIMIT])
    assert await store.limits("depot") == (LIMIT,)
    with pytest.raises(Conflict):
        await store.replace_limits("depot", [replace(LIMIT, id="x"), replace(LIMIT, id="x")])
    with pytest.raises(InvalidInput):
        await store.replace_limits("depot", [replace(LIMIT, limit_kw=math.nan)])
    assert await store.limits("depot") == (LIMIT,)
    await store.replace_limits("depot", [])
    assert await store.limits("depot") == ()


async def test_limits_for_nobody_are_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.replace_limits("nowhere", [LIMIT])


async def test_an_event_can_be_changed_listed_and_cancelled(store: Store) -> None:
    await build(store)
    await store.put_event(EVENT)
    changed = replace(EVENT, limit_kw=20.0)
    await store.put_event(changed)
    assert await store.events("depot") == (changed,)
    assert await store.events("depot", since=at(120)) == ()
    cancelled = replace(changed, status=EventStatus.CANCELLED)
    assert await store.cancel_event("depot", "e1") == cancelled
    assert await store.events("depot") == (cancelled,)
    with pytest.raises(NotFound):
        await store.cancel_event("depot", "e9")


async def test_an_event_that_ends_before_it_starts_is_refused(store: Store) -> None:
    await build(store)
    with pytest.raises(InvalidInput):
        await store.put_event(replace(EVENT, ends_at=EVENT.starts_at))


async def test_the_newest_tariff_holds(store: Store) -> None:
    await build(store)
    assert await store.tariff("depot") is None
    await store.put_tariff("depot", Tariff("a", "EUR", SITE.timezone, Decimal("0.30")))
    await store.put_tariff("depot", Tariff("b", "EUR", SITE.timezone, Decimal("0.2500000001")))
    assert await store.tariff("depot") == Tariff("b", "EUR", SITE.timezone, Decimal("0.2500000001"))


async def test_the_forecast_issued_last_holds_whenever_it_was_stored(store: Store) -> None:
    await build(store)
    newest = Forecast("depot", ForecastQuantity.SOLAR_KW, at(10), (HOUR,), (0.1, 0.5), ((1.0, 2.0),), "clear sky")
    await store.add_forecast(newest)
    await store.add_forecast(replace(newest, issued_at=at(5)))
    assert await store.latest_forecast("depot", ForecastQuantity.SOLAR_KW) == newest
    assert await store.latest_forecast("depot", ForecastQuantity.OTHER_LOAD_KW) is None


async def test_the_plan_made_last_is_current(store: Store) -> None:
    await build(store)
    assert await store.current_plan("depot") is None
    await store.add_plan(replace(PLAN, id="p2", made_at=at(5)))
    await store.add_plan(PLAN)
    await store.add_plan(PLAN)
    assert await store.current_plan("depot") == replace(PLAN, id="p2", made_at=at(5))
    summaries = await store.plan_summaries("depot", NOW)
    assert [(s.id, s.status, s.gap) for s in summaries] == [
        ("p1", PlanStatus.OPTIMAL, 0.07),
        ("p2", PlanStatus.OPTIMAL, 0.07),
    ]
