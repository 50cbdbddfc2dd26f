from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cpms.domain.errors import Conflict, InvalidInput, NotFound
from cpms.domain.grid import Grant, GrantState, LimitPeriod
from cpms.domain.identity import ConnectorKey
from cpms.domain.units import Phase
from data.store import Store
from tests.data.examples import KEY, NOW, at, build

GRANT = Grant(
    "g1",
    "depot",
    KEY,
    1,
    NOW,
    0.0,
    "tx",
    (LimitPeriod(NOW, 16.0), LimitPeriod(at(5), 10.1)),
    at(15),
    epoch=1,
    plan_id="p",
    clock_ahead_s=-3600.0,
    single_phase=Phase.L3,
    switched_at=at(-20),
)


async def test_grants_come_back_as_they_were_promised(store: Store) -> None:
    await build(store)
    base = Grant("g0", "depot", KEY, 0, NOW, 6.0, epoch=1)
    await store.store_grants([GRANT, base])
    await store.store_grants([GRANT])
    assert await store.live_grants("depot") == [(base, GrantState.STORED), (GRANT, GrantState.STORED)]


async def test_what_may_still_be_in_force_is_live(store: Store) -> None:
    await build(store)
    grants = {state: replace(GRANT, id=state.value, sequence=number) for number, state in enumerate(GrantState)}
    await store.store_grants(list(grants.values()))
    await store.set_grant_states({grant.id: state for state, grant in grants.items()})
    live = {state for _, state in await store.live_grants("depot")}
    assert live == {GrantState.STORED, GrantState.SENT, GrantState.ACCEPTED, GrantState.UNKNOWN}


async def test_a_controller_that_was_succeeded_grants_nothing(store: Store) -> None:
    await build(store)
    old, new = await store.next_epoch("depot"), await store.next_epoch("depot")
    assert new > old
    with pytest.raises(Conflict, match="epoch"):
        await store.store_grants([replace(GRANT, epoch=new), replace(GRANT, id="g2", epoch=old)])
    assert await store.live_grants("depot") == []
    await store.store_grants([replace(GRANT, epoch=new)])


async def test_no_two_controllers_get_the_same_epoch(store: Store) -> None:
    await build(store)
    epochs = await asyncio.gather(*(store.next_epoch("depot") for _ in range(8)))
    assert sorted(epochs) == list(range(1, 9))
    with pytest.raises(NotFound):
        await store.next_epoch("nowhere")


async def test_a_grant_that_is_no_number_is_refused(store: Store) -> None:
    await build(store)
    with pytest.raises(InvalidInput):
        await store.store_grants([replace(GRANT, periods=(LimitPeriod(NOW, float("nan")),))])
    assert await store.live_grants("depot") == []


async def test_connectors_that_disobeyed_are_remembered_until_they_are_released(store: Store) -> None:
    await build(store)
    other, unknown = ConnectorKey("CP-1", 2), ConnectorKey("CP-1", 9)
    await store.set_quarantines({KEY: True, other: True, unknown: True})
    await store.set_quarantines({KEY: True, other: False})
    assert await store.quarantined_connectors("depot") == {KEY}
    assert await store.quarantined_connectors("elsewhere") == frozenset()
