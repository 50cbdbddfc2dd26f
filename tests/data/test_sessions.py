from __future__ import annotations

from dataclasses import replace

import pytest

from cpms.domain.errors import NotFound
from cpms.domain.session import EnergyNeed, NeedSource, SessionState
from cpms.domain.units import Phase
from data.store import Store
from tests.data.examples import NOW, at, build, start_16, station, stop_16, told


async def test_sessions_are_listed_newest_first(store: Store) -> None:
    await build(store, station("CP-1"), station("CP-2"))
    first = await told(store, start_16(0, 1))
    second = await told(store, start_16(5, 2))
    third = await told(store, replace(start_16(10), station_id="CP-2"))
    ended = await told(store, stop_16(first.transaction_id))
    assert await store.sessions() == [third, second, ended]
    assert await store.sessions(station_id="CP-1", open_only=True) == [second]
    assert await store.sessions(site_id="depot", limit=1) == [third]
    assert await store.sessions(site_id="nowhere") == []
    assert await store.open_sessions("depot") == [second, third]
    assert await store.ended_sessions("depot", NOW) == [ended]
    assert await store.ended_sessions("depot", at(1)) == []


async def test_a_need_is_kept_with_the_session(store: Store) -> None:
    await build(store)
    session = await told(store, start_16())
    need = EnergyNeed(20.0, at(240), NeedSource.DRIVER, minimum_now_kwh=5.0)
    assert await store.set_need(session.id, need, priority=2) == replace(session, need=need, priority=2)
    later = EnergyNeed(25.0, at(300), NeedSource.OPERATOR)
    assert await store.set_need(session.id, later) == replace(session, need=later, priority=2)
    with pytest.raises(NotFound):
        await store.set_need("unknown", need)
    with pytest.raises(NotFound):
        await store.session("unknown")


async def test_progress_never_goes_back_and_ends_with_the_session(store: Store) -> None:
    await build(store)
    session = await told(store, start_16())
    await store.note_session_progress([(session.id, 3.0, SessionState.CHARGING, (Phase.L1,))])
    await store.note_session_progress([(session.id, 2.0, SessionState.SUSPENDED, None)])
    noted = await store.session(session.id)
    assert (noted.energy_kwh, noted.state, noted.active_phases) == (3.0, SessionState.SUSPENDED, (Phase.L1,))
    ended = await told(store, stop_16(session.transaction_id))
    await store.note_session_progress([(session.id, 99.0, SessionState.CHARGING, None)])
    assert await store.session(session.id) == ended
