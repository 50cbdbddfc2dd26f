from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cpms.domain.errors import Conflict, InvalidInput, NotFound
from cpms.domain.grid import GrantState
from cpms.domain.session import SessionState
from data.store import Store
from tests.data.examples import KEY, NOW, SITE, at, build, end_201, sample, start_16, start_201, station, stop_16, told
from tests.data.test_grants import GRANT


async def retire(store: Store, station_id: str = "CP-1", *, surely_off: bool = False) -> list[str]:
    return [session.id for session in await store.retire_station(station_id, at(60), surely_off=surely_off)]


async def counted(store: Store) -> list[str]:
    return [str(key) for key in (await store.site("depot")).connectors]


async def test_an_idle_station_leaves_its_site_and_keeps_its_history(store: Store) -> None:
    await build(store, station(), station("CP-2"))
    session = await told(store, start_16())
    await told(store, stop_16(session.transaction_id, 30))
    await store.add_samples([sample(10, 101.0)])
    assert await retire(store) == []
    assert await store.release_retired() == {"depot"}
    assert await counted(store) == ["CP-2/1", "CP-2/2"]
    assert await store.station_credentials("CP-1") is None
    assert (await store.station("CP-1")).retired_at == at(60)
    assert [connector.retired for connector in (await store.station("CP-1")).connectors] == [True, True]
    [kept] = await store.sessions(station_id="CP-1")
    assert kept.energy_kwh == 10.0
    assert len(await store.samples(KEY, at(0), at(60))) == 1
    assert await store.retired_stations(at(60)) == {"CP-1"}
    assert await store.release_retired() == frozenset()


async def test_an_open_session_keeps_its_station_unless_that_is_surely_off(store: Store) -> None:
    await build(store)
    session = await told(store, start_16())
    await store.add_samples([sample(20, 103.0)])
    with pytest.raises(Conflict, match=f"{session.id} is open on CP-1/1"):
        await retire(store)
    assert await retire(store, surely_off=True) == [session.id]
    ended = await store.session(session.id)
    assert (ended.state, ended.ended_at, ended.energy_kwh, ended.estimated) == (SessionState.ENDED, at(20), 3.0, True)
    with pytest.raises(NotFound, match="retired already"):
        await retire(store)


async def test_what_a_station_was_granted_counts_until_its_lease_is_over(store: Store) -> None:
    await build(store)
    await store.store_grants([GRANT, replace(GRANT, id="base", transaction_id=None, periods=(), lease_ends_at=None)])
    with pytest.raises(Conflict, match="holds a grant until"):
        await retire(store)
    await retire(store, surely_off=True)
    assert await store.release_retired() == {"depot"}, "connector 2 held nothing"
    assert await counted(store) == [str(GRANT.connector)]
    await store.set_grant_states({GRANT.id: GrantState.ENDED})
    assert await store.release_retired() == {"depot"}
    assert await counted(store) == []
    assert await store.live_grants("depot") == []


async def test_a_retired_station_made_again_goes_on_with_its_history(store: Store) -> None:
    await build(store)
    session = await told(store, start_201("tx-1"))
    await told(store, end_201("tx-1"))
    await retire(store)
    await store.release_retired()
    await store.add_station(station(connectors=1), b"another")
    assert await counted(store) == ["CP-1/1"]
    credentials = await store.station_credentials("CP-1")
    assert credentials is not None
    assert credentials.key_hash == b"another"
    assert [known.id for known in await store.sessions(station_id="CP-1")] == [session.id]


async def test_a_retired_station_stays_at_its_site(store: Store) -> None:
    await build(store)
    await store.put_site(replace(SITE, id="other"))
    await retire(store)
    with pytest.raises(Conflict, match="CP-1"):
        await store.add_station(station(site_id="other"), None)


async def test_a_stop_that_comes_after_all_replaces_what_was_estimated(store: Store) -> None:
    await build(store)
    session = await told(store, start_16())
    await retire(store, surely_off=True)
    ended = await told(store, stop_16(session.transaction_id, 50, 107.0))
    assert (ended.energy_kwh, ended.estimated) == (7.0, False)


async def test_a_changed_station_has_what_was_said_and_connectors_left_out_leave(store: Store) -> None:
    await build(store)
    [first, second] = station().connectors
    changed = replace(station(), feeder_id="grid", model="M2", connectors=(replace(second, max_current_a=16.0),))
    await store.change_station(changed, NOW)
    assert {c.key.connector_id: c.retired for c in (await store.station("CP-1")).connectors} == {1: True, 2: False}
    await store.release_retired()
    assert (await store.site("depot")).stations == (changed,)
    await store.change_station(replace(changed, connectors=(first,)), NOW)
    await store.release_retired()
    assert (await store.station("CP-1")).connectors == (first,)


async def test_a_connector_in_use_cannot_be_left_out_and_a_security_profile_stays(store: Store) -> None:
    await build(store)
    await told(store, start_16())
    with pytest.raises(Conflict, match="CP-1/1"):
        await store.change_station(replace(station(), connectors=station().connectors[1:]), NOW)
    with pytest.raises(InvalidInput, match="security_profile"):
        await store.change_station(replace(station(), security_profile=0), NOW)
    with pytest.raises(InvalidInput, match="feeder_id"):
        await store.change_station(replace(station(), feeder_id="south"), NOW)
    with pytest.raises(NotFound):
        await store.change_station(station("CP-9"), NOW)
    assert (await store.station("CP-1")) == station()


async def test_a_site_goes_once_its_stations_have_and_can_be_made_again(store: Store) -> None:
    await build(store)
    with pytest.raises(Conflict, match="has stations: CP-1"):
        await store.retire_site("depot", NOW)
    await store.store_grants([GRANT])
    await retire(store, surely_off=True)
    with pytest.raises(Conflict, match="still count until their leases end: CP-1"):
        await store.retire_site("depot", NOW)
    await store.set_grant_states({GRANT.id: GrantState.ENDED})
    await store.release_retired()
    await store.retire_site("depot", NOW + timedelta(hours=1))
    assert await store.sites() == ()
    with pytest.raises(NotFound):
        await store.site("depot")
    with pytest.raises(NotFound):
        await store.retire_site("depot", NOW)
    assert (await store.site("depot", retired=True)).id == "depot"
    await store.put_site(SITE)
    assert await store.sites() == (SITE,)
