from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.telemetry import FeederMeasurement, Sample
from data.sanitise import Quarantined
from data.series import RawMessage
from data.store import Store
from tests.data.examples import KEY, NOW, at, build, sample

FULL = Sample(
    KEY, at(1), at(1.1), "tx", 11.04, 1234.567, (16.0, 15.9, 0.0), (230.1, None, 231.0), 16.0, 55.5, True, at(0.9)
)  # fmt: skip
MEASURED = FeederMeasurement("depot", "grid", NOW, 41.5, (60.0, 61.0, None), 12.0, 4.0)


async def test_a_sample_comes_back_bit_for_bit(store: Store) -> None:
    await build(store)
    await store.add_samples([FULL])
    assert await store.samples(KEY, NOW, at(2)) == [FULL]
    assert await store.samples(KEY, NOW, at(1)) == []
    assert await store.last_values("depot") == {KEY: FULL}


async def test_a_sample_delivered_again_is_one_sample(store: Store) -> None:
    await build(store)
    await store.add_samples([sample(1, 5.0), sample(1, 5.0), sample(2, 6.0)])
    await store.add_samples([sample(1, 5.0)])
    assert [s.energy_kwh for s in await store.samples(KEY, NOW, at(9))] == [5.0, 6.0]


async def test_samples_from_an_offline_queue_do_not_become_the_last_value(store: Store) -> None:
    await build(store)
    await store.add_samples([sample(10, 6.0), sample(9, 5.9)])
    await store.add_samples([sample(-600, 1.0)])
    assert (await store.last_values("depot"))[KEY].energy_kwh == 6.0


async def test_writers_of_the_same_samples_in_opposite_order_do_not_deadlock(store: Store) -> None:
    await build(store)
    samples = [sample(n / 10, float(n)) for n in range(300)]
    await asyncio.gather(*(store.add_samples(samples[::step]) for step in (1, -1) * 4))
    assert len(await store.samples(KEY, NOW, at(60))) == 300


async def test_samples_of_many_days_are_all_found(store: Store) -> None:
    await build(store)
    days = [replace(sample(0, float(n)), sampled_at=NOW - timedelta(days=n)) for n in range(40)]
    await store.add_samples(days)
    found = await store.samples(KEY, NOW - timedelta(days=50), at(1))
    assert [s.energy_kwh for s in found] == [float(n) for n in reversed(range(40))]


async def test_each_day_has_its_partition(embedded_dsn: str) -> None:
    async with Store.open(embedded_dsn) as store:
        await build(store)
        await store.add_samples([sample(0, 1.0), sample(24 * 60, 2.0)])
    with psycopg.connect(embedded_dsn) as connection:
        found = connection.execute("SELECT tableoid::regclass::text FROM samples ORDER BY sampled_at").fetchall()
    assert found == [("samples_20260115",), ("samples_20260116",)]


async def test_rows_in_the_default_partition_stay_there_and_are_found(embedded_dsn: str) -> None:
    with psycopg.connect(embedded_dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO samples (station_id, connector_id, sampled_at, received_at, derived) VALUES ('CP-1', 1, %s, %s, false)",
            [NOW, NOW],
        )
    async with Store.open(embedded_dsn) as store:
        await store.add_samples([sample(5, 1.0)])
        assert [s.sampled_at for s in await store.samples(KEY, NOW, at(9))] == [NOW, at(5)]


async def test_the_table_itself_refuses_what_the_edge_would_have_quarantined(store: Store) -> None:
    with pytest.raises(InvalidInput):
        await store.add_samples([replace(FULL, power_kw=float("nan"))])
    with pytest.raises(InvalidInput):
        await store.add_samples([replace(FULL, energy_kwh=-1.0)])
    assert await store.samples(KEY, NOW, at(9)) == []


async def test_a_quarantined_sample_can_be_read_by_people(store: Store) -> None:
    bad = replace(FULL, transaction_id="a\x00b\ud800")
    await store.add_samples([], [Quarantined(bad, "text has a NUL")])
    (row,) = await store.quarantined_samples("CP-1")
    assert row["problem"] == "text has a NUL"
    assert "1234.567" in row["sample"]


async def test_measurements_are_kept_once(store: Store) -> None:
    await build(store)
    later = replace(MEASURED, measured_at=at(1), power_kw=42.0, solar_kw=None)
    await store.add_measurements([later, MEASURED, MEASURED])
    await store.add_measurements([MEASURED])
    assert await store.measurements("depot", "grid", NOW) == [MEASURED, later]
    assert await store.measurements("depot", "grid", NOW, at(1)) == [MEASURED]
    with pytest.raises(InvalidInput):
        await store.add_measurements([replace(MEASURED, measured_at=at(2), power_kw=float("inf"))])


async def test_a_measurement_that_is_said_anew_is_corrected_and_completed(store: Store) -> None:
    await build(store)
    await store.add_measurements([MEASURED, replace(MEASURED, measured_at=at(-1))])
    await store.add_measurements([replace(MEASURED, power_kw=7.0, solar_kw=None, current_a=(None, None, 3.0))])
    corrected = replace(MEASURED, power_kw=7.0, current_a=(60.0, 61.0, 3.0))
    assert await store.measurements("depot", "grid", NOW) == [corrected]


async def test_writers_of_the_same_measurements_in_opposite_order_do_not_deadlock(store: Store) -> None:
    await build(store)
    several = [replace(MEASURED, measured_at=at(n / 10)) for n in range(300)]
    await asyncio.gather(*(store.add_measurements(several[::step]) for step in (1, -1) * 4))
    assert len(await store.measurements("depot", "grid", NOW)) == 300


async def test_raw_messages_are_kept_whatever_is_in_them(store: Store) -> None:
    await store.add_raw_messages(
        [RawMessage("CP-1", NOW, "in", "[2,\x00\ud800]"), RawMessage("CP-1", at(1), "out", "[3,{}]")]
    )
    assert [m.text for m in await store.raw_messages("CP-1", NOW)] == ["[2,\\x00\\ud800]", "[3,{}]"]
