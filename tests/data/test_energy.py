from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import Sample
from cpms.domain.time import Interval, Resolution, local_steps
from data.store import Store
from tests.data.examples import KEY, NOW, at, build, end_201, sample, start_16, start_201, station, stop_16, told

SECOND = ConnectorKey("CP-1", 2)
LATER = at(100_000)


def quarters(begin: float, end: float) -> list[Interval]:
    return list(local_steps(at(begin), at(end), Resolution.QUARTER, "UTC"))


async def by_quarter(store: Store, key: ConnectorKey = KEY, until: float = 120) -> dict[datetime, float]:
    """Energy of a connector where there is any, after all that is due was reckoned."""
    await store.reckon_energy(LATER)
    found = (await store.connector_energy("depot", quarters(-1500, until))).get(key, [])
    return {one.step.starts_at: round(one.energy_kwh, 6) for one in found if one.energy_kwh}


async def test_a_session_is_told_in_quarter_hours_that_add_up_to_it(store: Store) -> None:
    await build(store)
    session = await told(store, start_16(5, meter_kwh=100.0))
    await store.add_samples([sample(10, 101.0), sample(20, 103.0), sample(40, 106.0)])
    ended = await told(store, stop_16(session.transaction_id, 50, 107.0))
    found = await by_quarter(store)
    assert found == {at(0): 2.0, at(15): 2.5, at(30): 2.0, at(45): 0.5}
    assert sum(found.values()) == ended.energy_kwh


async def test_idle_time_between_sessions_has_no_energy(store: Store) -> None:
    await build(store)
    await told(store, start_201("tx-1", 0, meter_kwh=100.0))
    await told(store, end_201("tx-1", 10, meter_kwh=103.0))
    await told(store, start_201("tx-2", 3000, meter_kwh=103.0))
    await store.add_samples([sample(3010, 105.0)])
    assert await by_quarter(store, until=4000) == {at(0): 3.0, at(3000): 2.0}


async def test_a_session_that_begins_anew_in_the_second_in_which_the_last_one_ended_counts_its_own(
    store: Store,
) -> None:
    await build(store)
    for minutes in (0, 5, 10):
        session = await told(store, start_16(minutes, meter_kwh=1.0))
        await store.add_samples([sample(minutes, 1.0), sample(minutes + 2, 1.1)])
        await told(store, stop_16(session.transaction_id, minutes + 5, 1.2))
    assert await by_quarter(store) == {at(0): 0.6}


async def test_whatever_the_order_and_however_often_messages_arrive_the_quarters_are_the_same(store: Store) -> None:
    await build(store)
    samples = [sample(n * 3.7, 100.0 + n * 0.5, power_kw=float(n % 9)) for n in range(60)]
    await store.add_samples(samples)
    await store.reckon_energy(LATER)
    steps = quarters(0, 240)
    at_once = (await store.connector_energy("depot", steps))[KEY]
    mixed = [replace(one, connector=SECOND) for one in samples * 2]
    random.Random(7).shuffle(mixed)
    for first in range(0, len(mixed), 17):
        await store.add_samples(mixed[first : first + 17])
        await store.reckon_energy(LATER)
    one_by_one = (await store.connector_energy("depot", steps))[SECOND]
    assert [round(one.energy_kwh, 9) for one in one_by_one] == [round(one.energy_kwh, 9) for one in at_once]
    assert [one.max_kw for one in one_by_one] == [one.max_kw for one in at_once]
    assert sum(one.energy_kwh for one in at_once) == pytest.approx(29.5)


async def test_a_day_that_a_station_was_silent_is_filled_and_corrected_by_what_comes_late(store: Store) -> None:
    await build(store)
    await store.add_samples([sample(0, 100.0), sample(60, 108.0)])
    assert await by_quarter(store) == {at(n): 2.0 for n in (0, 15, 30, 45)}
    await store.add_samples([sample(30, 106.0)])
    assert await by_quarter(store) == {at(0): 3.0, at(15): 3.0, at(30): 1.0, at(45): 1.0}


async def test_only_quarter_hours_that_are_over_are_reckoned_and_each_once(store: Store) -> None:
    await build(store)
    await store.add_samples([sample(1, 100.0), sample(14, 101.0), sample(16, 102.0)])
    assert await store.reckon_energy(at(15)) == 1
    assert await store.reckon_energy(at(15)) == 0
    assert await store.reckon_energy(at(30), "elsewhere") == 0
    assert await store.reckon_energy(at(30), "depot") == 1


async def test_a_site_is_the_sum_of_its_connectors_and_its_peak_the_highest_quarter_hour(store: Store) -> None:
    await build(store, station(), station("CP-2", 1))
    other = ConnectorKey("CP-2", 1)
    await store.add_samples([sample(0, 100.0, power_kw=9.0), sample(15, 102.0), sample(60, 102.0)])
    await store.add_samples(
        [replace(s, connector=other) for s in (sample(0, 50.0), sample(30, 54.0), sample(60, 54.0))]
    )
    await store.add_samples([replace(sample(5, 900.0), connector=ConnectorKey("CP-2", 0))])
    await store.reckon_energy(LATER)
    [hour] = await store.energy("depot", list(local_steps(at(0), at(60), Resolution.HOUR, "UTC")))
    assert (hour.energy_kwh, hour.peak_kw, hour.max_kw) == (6.0, 16.0, None)
    assert [one.energy_kwh for one in await store.energy("depot", quarters(0, 75))] == [4.0, 2.0, 0.0, 0.0, 0.0]
    by_connector = await store.connector_energy("depot", [hour.step])
    assert {key: (one.energy_kwh, one.peak_kw, one.max_kw) for key, [one] in by_connector.items()} == {
        KEY: (2.0, 8.0, 9.0),
        other: (4.0, 8.0, None),
    }


async def test_days_are_the_sites_own_also_when_clocks_change(store: Store) -> None:
    await build(store)
    spring = datetime.fromisoformat("2026-03-28T23:00:00Z")  # midnight in Amsterdam, before the night with 23 h
    registers = [replace(sample(0, 100.0 + n), sampled_at=spring + timedelta(hours=n)) for n in range(-24, 48)]
    await store.add_samples([replace(one, received_at=one.sampled_at) for one in registers])
    await store.reckon_energy(spring + timedelta(days=9))
    days = list(
        local_steps(spring - timedelta(hours=1), spring + timedelta(hours=24), Resolution.DAY, "Europe/Amsterdam")
    )
    assert [round(one.energy_kwh, 6) for one in await store.energy("depot", days)] == [24.0, 23.0, 24.0]


async def test_what_arrives_while_quarters_are_reckoned_is_never_lost(store: Store) -> None:
    await build(store)
    samples = [sample(n / 2, 100.0 + n / 10) for n in range(120)]

    async def tell(part: list[Sample]) -> None:
        for one in part:
            await store.add_samples([one])

    async def reckon() -> None:
        for _ in range(15):
            await store.reckon_energy(LATER)

    await asyncio.gather(*(tell(samples[n::4]) for n in range(4)), reckon(), reckon())
    assert sum((await by_quarter(store)).values()) == pytest.approx(11.9)


async def test_quarters_stay_when_samples_go(store: Store) -> None:
    await build(store)
    await store.add_samples([sample(0, 100.0), sample(15, 102.0)])
    before = await by_quarter(store)
    await store.forget_samples(NOW + timedelta(days=2))
    assert await store.samples(KEY, at(0), at(60)) == []
    assert await by_quarter(store) == before
