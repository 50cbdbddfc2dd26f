from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from cpms.domain.errors import InvalidInput, StoreUnavailable
from data.embedded import EmbeddedServer
from data.ingest import SampleIngest
from data.migrate import migrate
from data.store import Store
from tests.data.examples import KEY, NOW, at, build, sample
from tests.databases import open_folder

SAMPLES = [sample(n / 60, float(n)) for n in range(1000)]


async def until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110 - the ingest runs by itself and has nobody to tell
        await asyncio.sleep(0)


async def test_what_is_added_is_stored_once_and_is_the_last_value(store: Store) -> None:
    await build(store)
    async with SampleIngest(store) as ingest:
        assert ingest.add(SAMPLES)
        assert ingest.add(SAMPLES)
        await ingest.flush()
        assert await store.samples(KEY, NOW, at(60)) == SAMPLES
        assert await store.last_values("depot") == {KEY: SAMPLES[-1]}
        assert ingest.health().ok
        assert ingest.health().counters["buffered"] == 0


async def test_it_stores_by_itself(store: Store) -> None:
    async with SampleIngest(store, flush_interval_s=0.01) as ingest:
        ingest.add(SAMPLES)
        await ingest.room()
        await until(lambda: ingest.health().counters["buffered"] == 0)
    assert len(await store.samples(KEY, NOW, at(60))) == len(SAMPLES)


async def test_what_is_left_at_the_end_is_stored(store: Store) -> None:
    async with SampleIngest(store, flush_interval_s=3600) as ingest:
        ingest.add(SAMPLES)
    assert len(await store.samples(KEY, NOW, at(60))) == len(SAMPLES)


async def test_a_bad_row_costs_no_other_row(store: Store) -> None:
    bad = [
        replace(SAMPLES[10], power_kw=float("nan")),
        replace(SAMPLES[20], transaction_id="a\x00b"),
        replace(SAMPLES[30], sampled_at=NOW.replace(year=1970)),
    ]
    async with SampleIngest(store) as ingest:
        ingest.add([*SAMPLES[:500], *bad, *SAMPLES[500:]])
        await ingest.flush()
        assert ingest.health().counters["quarantined"] == 3
    assert await store.samples(KEY, NOW, at(60)) == SAMPLES
    problems = [row["problem"] for row in await store.quarantined_samples("CP-1")]
    assert [word for word in ("not finite", "NUL", "range") if any(word in problem for problem in problems)] == [
        "not finite",
        "NUL",
        "range",
    ]


async def test_a_row_that_only_the_database_refuses_is_found_and_quarantined_alone(store: Store, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE samples ADD CONSTRAINT unlucky CHECK (energy_kwh <> 13)")
    async with SampleIngest(store) as ingest:
        ingest.add(SAMPLES)
        await ingest.flush()
    found = await store.samples(KEY, NOW, at(60))
    assert found == [one for one in SAMPLES if one.energy_kwh != 13]
    (row,) = await store.quarantined_samples("CP-1")
    assert "unlucky" in row["problem"]


async def test_a_full_buffer_refuses_says_so_and_takes_again_when_there_is_room(store: Store) -> None:
    async with SampleIngest(store, flush_interval_s=3600, capacity=100) as ingest:
        assert ingest.add(SAMPLES[:60])
        assert not ingest.add(SAMPLES[60:120])
        health = ingest.health()
        assert not health.ok
        assert (health.counters["buffered"], health.counters["refused"]) == (60, 60)
        waiting = asyncio.ensure_future(ingest.room())
        await ingest.flush()
        await waiting
        assert ingest.add(SAMPLES[60:120])
    assert len(await store.samples(KEY, NOW, at(60))) == 120


async def test_raw_messages_that_wait_are_bounded_in_size(store: Store) -> None:
    async with SampleIngest(store, flush_interval_s=3600, raw_capacity=10_000) as ingest:
        for _ in range(2):
            assert [ingest.add_raw("CP-1", NOW, "in", "x" * 4000) for _ in range(4)] == [True, True, False, False]
            await ingest.flush()
        assert ingest.health().counters["refused"] == 4
    assert len(await store.raw_messages("CP-1", NOW)) == 4


async def test_raw_messages_are_stored_with_the_samples(store: Store) -> None:
    async with SampleIngest(store) as ingest:
        assert ingest.add_raw("CP-1", NOW, "in", '[2,"1","Heartbeat",{}]')
        with pytest.raises(InvalidInput):
            ingest.add_raw("CP-1", NOW, "sideways", "")
    assert [message.text for message in await store.raw_messages("CP-1", NOW)] == ['[2,"1","Heartbeat",{}]']


async def test_while_the_database_is_down_rows_are_kept_and_stored_later(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    with open_folder() as folder, EmbeddedServer(folder, settings={"fsync": "off"}) as server:
        await asyncio.to_thread(migrate, server.dsn)
        async with (
            Store.open(server.dsn, timeout_s=1.0) as store,
            SampleIngest(store, flush_interval_s=0.01) as ingest,
        ):
            server.stop()
            ingest.add(SAMPLES)
            with pytest.raises(StoreUnavailable):
                await ingest.flush()
            await until(lambda: not ingest.health().ok)
            assert ingest.health().counters["buffered"] == len(SAMPLES)
            server.start()
            await until(lambda: ingest.health().ok)
            assert await store.samples(KEY, NOW, at(60)) == SAMPLES
