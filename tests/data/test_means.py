from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from cpms.domain.telemetry import FeederMeasurement
from data.means import Quarters
from data.store import Store
from tests.data.examples import NOW, at, build

READING = FeederMeasurement("depot", "grid", NOW, 10.0, solar_kw=2.0, other_load_kw=4.0)
NOW_S = int(NOW.timestamp())


def reading(minutes: float, power_kw: float, solar_kw: float | None = None) -> FeederMeasurement:
    return replace(READING, measured_at=at(minutes), power_kw=power_kw, solar_kw=solar_kw, other_load_kw=power_kw)


async def test_quarter_hours_are_means_of_what_was_measured_in_them(store: Store) -> None:
    await build(store)
    await store.add_measurements([reading(0, 1.0), reading(14.9, 3.0, 5.0), reading(15, 7.0)])
    assert await store.sum_quarters("depot", at(30)) == 2
    assert await store.quarters("depot", "grid", at(0), at(30)) == Quarters(
        (NOW_S, NOW_S + 900), (2.0, 7.0), (5.0, None), (2.0, 7.0)
    )
    assert await store.quarters("depot", "north", at(0), at(30)) == Quarters()


async def test_a_late_reading_changes_its_quarter_hour_and_no_other(store: Store) -> None:
    await build(store)
    await store.add_measurements([reading(0, 1.0), reading(15, 7.0)])
    assert await store.sum_quarters("depot", at(60)) == 2
    assert await store.sum_quarters("depot", at(60)) == 0
    await store.add_measurements([reading(5, 3.0)])
    assert await store.sum_quarters("depot", at(60)) == 1
    assert (await store.quarters("depot", "grid", at(0), at(60))).other_load_kw == (2.0, 7.0)


async def test_a_month_handed_in_at_once_is_summed_up_whole(store: Store) -> None:
    await build(store)
    await store.add_measurements([reading(-15 * n, float(n)) for n in range(2500)])
    assert await store.sum_quarters("depot", at(15)) == 2500
    found = await store.quarters("depot", "grid", NOW - timedelta(days=30), at(15))
    assert found.other_load_kw == tuple(float(n) for n in reversed(range(2500)))


async def test_readings_that_arrive_while_quarters_are_summed_up_are_never_lost(store: Store) -> None:
    await build(store)

    async def report(first: int) -> None:
        for n in range(first, 60, 4):
            await store.add_measurements([reading(n / 10, float(n))])

    async def sum_up() -> None:
        for _ in range(30):
            await store.sum_quarters("depot", at(60))

    await asyncio.gather(*(report(first) for first in range(4)), sum_up(), sum_up())
    await store.sum_quarters("depot", at(60))
    [mean_kw] = (await store.quarters("depot", "grid", at(0), at(15))).other_load_kw
    assert mean_kw == sum(range(60)) / 60
