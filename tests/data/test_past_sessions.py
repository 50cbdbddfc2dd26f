from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpms.domain.errors import Conflict, NotFound
from cpms.domain.session import EnergyNeed, PastSession, SessionState
from data.past_sessions import Brought
from data.store import Store
from tests.data.examples import NOW, SITE, at, build, start_16, station, stop_16, told


def past(number: int, minutes: float = 0, station_id: str = "CP-1", connector_id: int = 1) -> PastSession:
    """An hour's session long ago, stated every other time."""
    started_at = at(minutes + 100 * number - 100_000)
    need = EnergyNeed(10.0 + number, started_at) if number % 2 else None
    ended_at, driver = started_at + timedelta(hours=1), "ada" if number % 3 else None
    return PastSession(number, f"s{number}", station_id, connector_id, started_at, ended_at, 5.0 + number, need, driver)


async def test_past_sessions_are_ended_sessions_of_the_site(store: Store) -> None:
    await build(store)
    assert await store.add_past_sessions("depot", [past(1), past(3, connector_id=2)]) == Brought(2, 0, 0)
    first, second = await store.ended_sessions("depot", at(-200_000))
    assert (first.started_at, first.ended_at, first.energy_kwh, first.need, first.id_tag) == (
        past(1).started_at, past(1).ended_at, 6.0, past(1).need, "ada",
    )  # fmt: skip
    assert (first.state, first.estimated, second.connector.connector_id) == (SessionState.ENDED, False, 2)
    assert await store.open_sessions("depot") == []


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(8)), st.lists(st.integers(1, 7), max_size=3), st.lists(st.integers(0, 7), max_size=4))
async def test_order_parts_and_repetition_of_imports_never_matter(
    store: Store, order: list[int], cuts: list[int], again: list[int]
) -> None:
    site_id = f"depot-{order}-{cuts}-{again}"
    await store.put_site(replace(SITE, id=site_id))
    await store.add_station(station(f"CP-{hash(site_id)}", site_id=site_id), b"hash")
    sessions = [past(n, station_id=f"CP-{hash(site_id)}") for n in (*order, *again)]
    edges = sorted({0, *cuts, len(sessions)})
    for first, last in pairwise(edges):
        unique = {session.session_id: session for session in sessions[first:last]}
        await store.add_past_sessions(site_id, list(unique.values()))
    kept = await store.ended_sessions(site_id, at(-200_000))
    assert [session.energy_kwh for session in kept] == [5.0 + n for n in range(8)]


async def test_a_file_that_contradicts_an_earlier_one_changes_nothing(store: Store) -> None:
    await build(store)
    await store.add_past_sessions("depot", [past(1)])
    with pytest.raises(Conflict, match="line 1 "):
        await store.add_past_sessions("depot", [past(2), replace(past(1), energy_kwh=7.0)])
    assert len(await store.ended_sessions("depot", at(-200_000))) == 1


async def test_a_station_there_is_not_costs_the_whole_file(store: Store) -> None:
    await build(store)
    with pytest.raises(NotFound):
        await store.add_past_sessions("depot", [past(1), past(2, station_id="CP-9")])
    assert await store.ended_sessions("depot", at(-200_000)) == []


async def test_what_a_station_told_of_itself_is_not_told_twice(store: Store) -> None:
    await build(store, station("CP-1"), station("CP-2"))
    heard = await told(store, start_16(0))
    await told(store, stop_16(heard.transaction_id, 60))
    await told(store, start_16(500))
    during = replace(past(0), started_at=at(30), ended_at=at(90))
    elsewhere = replace(past(1), started_at=at(30), ended_at=at(90), connector_id=2)
    other_station = replace(past(2, station_id="CP-2"), started_at=at(30), ended_at=at(90))
    before = replace(past(3), started_at=at(-60), ended_at=NOW)
    while_open = replace(past(4), started_at=at(550), ended_at=at(560))
    imported = await store.add_past_sessions("depot", [during, elsewhere, other_station, before, while_open])
    assert imported == Brought(3, 0, 2)
    assert [s.started_at for s in await store.sessions(station_id="CP-1")] == [at(500), at(30), NOW, at(-60)]
    assert len(await store.open_sessions("depot")) == 1


async def test_no_past_at_all_is_nothing(store: Store) -> None:
    await build(store)
    assert await store.add_past_sessions("depot", []) == Brought(0, 0, 0)
