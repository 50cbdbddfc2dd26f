from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpms.domain.errors import InvalidInput, NotFound
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import SessionState
from cpms.domain.telemetry import Sample
from data.store import Store
from data.transaction_messages import TransactionMessage
from tests.data.examples import (
    KEY,
    NOW,
    at,
    build,
    end_201,
    sample,
    start_16,
    start_201,
    station,
    stop_16,
    told,
    update_201,
)

_numbers = count()


async def test_a_1_6_transaction_gets_a_random_id_and_its_energy(store: Store) -> None:
    await build(store)
    started = await told(store, start_16())
    assert 1 <= int(started.transaction_id) < 2**31
    assert started.state is SessionState.PREPARING
    ended = await told(store, stop_16(started.transaction_id))
    assert ended == replace(
        started, energy_kwh=10.0, state=SessionState.ENDED, ended_at=at(60), stop_reason="Local", estimated=False
    )
    assert await store.session(started.id) == ended


async def test_a_start_delivered_many_times_at_once_is_one_session(store: Store) -> None:
    await build(store)
    sessions = await asyncio.gather(*(told(store, start_16()) for _ in range(8)))
    assert len({session.transaction_id for session in sessions}) == 1
    assert len(await store.sessions()) == 1


async def test_a_start_repeated_after_the_stop_is_still_the_same_session(store: Store) -> None:
    await build(store)
    started = await told(store, start_16())
    ended = await told(store, stop_16(started.transaction_id))
    assert await told(store, start_16()) == ended
    assert await told(store, stop_16(started.transaction_id)) == ended


async def test_the_first_stop_counts(store: Store) -> None:
    await build(store)
    started = await told(store, start_16())
    ended = await told(store, stop_16(started.transaction_id))
    assert await told(store, stop_16(started.transaction_id, 90, 120.0)) == ended


async def test_a_new_start_ends_what_was_open_on_its_connector_at_its_last_sample(store: Store) -> None:
    await build(store)
    first = await told(store, start_16(0))
    await store.add_samples([sample(10, 102.0), sample(20, 104.0), sample(31, 104.0)])
    second = await told(store, start_16(30, id_tag="OTHER", meter_kwh=104.0))
    closed = await store.session(first.id)
    assert (closed.ended_at, closed.energy_kwh, closed.estimated) == (at(20), 4.0, True)
    assert await store.open_sessions("depot") == [second]


async def test_a_start_on_another_connector_ends_nothing(store: Store) -> None:
    await build(store)
    sessions = [await told(store, start_16(n, connector_id=n + 1)) for n in range(2)]
    assert await store.open_sessions("depot") == sessions


async def test_a_stop_that_comes_after_all_replaces_the_estimate(store: Store) -> None:
    await build(store)
    first = await told(store, start_16(0))
    await told(store, start_16(30, id_tag="OTHER"))
    ended = await told(store, stop_16(first.transaction_id, 25, 105.0))
    assert (ended.ended_at, ended.energy_kwh, ended.estimated) == (at(25), 5.0, False)


async def test_a_start_from_an_offline_queue_does_not_end_the_session_that_runs_now(store: Store) -> None:
    await build(store)
    running = await told(store, start_16(120))
    queued = await told(store, start_16(0, id_tag="EARLIER"))
    assert queued.state is SessionState.ENDED
    assert queued.estimated
    assert await store.open_sessions("depot") == [running]
    ended = await told(store, stop_16(queued.transaction_id, 45, 108.0))
    assert (ended.energy_kwh, ended.ended_at, ended.estimated) == (8.0, at(45), False)


@pytest.mark.parametrize("unknown", ["0", "-1", "4711"])
async def test_a_stop_of_an_unknown_transaction_ends_the_one_session_it_can_mean(store: Store, unknown: str) -> None:
    await build(store)
    started = await told(store, start_16())
    ended = await told(store, stop_16(unknown))
    assert (ended.id, ended.energy_kwh, ended.estimated) == (started.id, 10.0, False)


async def test_a_stop_that_could_mean_two_sessions_ends_neither_and_is_kept(store: Store) -> None:
    await build(store)
    both = [await told(store, start_16(0, connector_id=n)) for n in (1, 2)]
    kept = await told(store, stop_16("-1"))
    assert kept.estimated
    assert kept.state is SessionState.ENDED
    assert await store.open_sessions("depot") == both
    assert await told(store, stop_16("-1")) == kept


async def test_a_stop_of_an_unknown_transaction_goes_by_its_id_tag(store: Store) -> None:
    await build(store)
    await told(store, start_16(0, 1, "ANN"))
    bob = await told(store, start_16(0, 2, "BOB"))
    assert (await told(store, replace(stop_16("0"), id_tag="BOB"))).id == bob.id


async def test_a_stop_without_a_start_is_a_session_of_what_it_says(store: Store) -> None:
    await build(store)
    orphan = replace(stop_16("4711", 60, None), samples=(sample(5, 100.0), sample(58, 107.0)), id_tag="TAG")
    made = await told(store, orphan)
    assert (made.started_at, made.ended_at, made.energy_kwh, made.estimated) == (at(5), at(60), 7.0, True)
    assert (made.connector, made.id_tag, made.transaction_id) == (KEY, "TAG", "4711")
    assert await told(store, orphan) == made
    assert await store.sessions() == [made]


async def test_a_2_0_1_stop_never_ends_another_transaction(store: Store) -> None:
    await build(store)
    running = await told(store, start_201("aaa"))
    other = await told(store, end_201("bbb", 60))
    assert other.id != running.id
    assert await store.session(running.id) != other


async def test_only_the_owning_station_reaches_a_transaction(store: Store) -> None:
    await build(store, station("CP-1"), station("CP-2"))
    mine = await told(store, start_16())
    theirs = await told(store, replace(stop_16(mine.transaction_id), station_id="CP-2"))
    assert theirs.id != mine.id
    assert await store.open_sessions("depot") == [mine]
    stolen = replace(update_201("x", 5, "CP-2"), samples=(sample(5, 1.0, KEY),))
    await told(store, stolen)
    assert await store.samples(KEY, NOW, at(60)) == []
    assert len(await store.quarantined_samples("CP-1")) == 1


async def test_updates_move_energy_and_state(store: Store) -> None:
    await build(store)
    await told(store, start_201("aaa"))
    charging = await told(store, update_201("aaa", 10, charging=True, energy_kwh=101.5))
    assert (charging.state, charging.energy_kwh, charging.estimated) == (SessionState.CHARGING, 1.5, False)
    late = await told(store, update_201("aaa", 5, charging=False, energy_kwh=100.5))
    assert (late.state, late.energy_kwh) == (SessionState.CHARGING, 1.5)
    assert [s.energy_kwh for s in await store.samples(KEY, NOW, at(60))] == [100.5, 101.5]


async def test_an_update_of_an_unknown_transaction_is_a_session_until_its_start_comes(store: Store) -> None:
    await build(store)
    made = await told(store, update_201("aaa", 10, charging=True, energy_kwh=101.5))
    assert (made.estimated, made.state, made.started_at) == (True, SessionState.CHARGING, at(10))
    started = await told(store, start_201("aaa"))
    assert started.id == made.id
    assert (started.estimated, started.started_at, started.id_tag, started.energy_kwh) == (False, NOW, "TAG", 1.5)


async def test_a_stop_register_that_cannot_be_true_is_estimated(store: Store) -> None:
    await build(store)
    started = await told(store, start_16())
    await store.add_samples([sample(55, 109.0)])
    ended = await told(store, stop_16(started.transaction_id, 60, 110_000.0))
    assert (ended.energy_kwh, ended.estimated) == (9.0, True)


async def test_a_stop_dated_before_the_start_ends_at_the_start(store: Store) -> None:
    await build(store)
    started = await told(store, start_16(0))
    ended = await told(store, stop_16(started.transaction_id, -30, 100.2))
    assert (ended.ended_at, ended.energy_kwh) == (NOW, 0.2)


async def test_a_bad_sample_in_a_message_costs_the_sample_only(store: Store) -> None:
    await build(store)
    started = await told(store, start_16())
    bad = replace(sample(30, 105.0), power_kw=float("nan"))
    ended = await told(store, replace(stop_16(started.transaction_id), samples=(bad, sample(59, 110.0))))
    assert ended.energy_kwh == 10.0
    assert [s.sampled_at for s in await store.samples(KEY, NOW, at(60))] == [at(59)]
    assert "not finite" in (await store.quarantined_samples("CP-1"))[0]["problem"]


async def test_messages_of_nobody_and_of_nonsense_are_refused(store: Store) -> None:
    with pytest.raises(NotFound):
        await told(store, start_16())
    await build(store)
    with pytest.raises(InvalidInput, match="id_tag"):
        await told(store, start_16(id_tag="a\x00b"))
    assert await store.sessions() == []


ENERGY = [101.0, 103.0, 106.0]


def transaction(station_id: str) -> list[TransactionMessage]:
    updates = [
        update_201("tx", 10.0 * (n + 1), station_id, charging=True, energy_kwh=kwh) for n, kwh in enumerate(ENERGY)
    ]
    return [start_201("tx", 0, station_id), *updates, end_201("tx", 60, station_id)]


# The store is shared by the examples on purpose: every example has a station of its own.
def shared(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@shared(25)
@given(
    order=st.permutations(range(5)),
    repeated=st.lists(st.integers(0, 4), max_size=5),
)
async def test_any_number_of_deliveries_in_any_order_is_one_session(
    store: Store, order: list[int], repeated: list[int]
) -> None:
    station_id = f"CP-{next(_numbers)}-{id(store)}"
    await build(store, station(station_id))
    messages = transaction(station_id)
    for index in [*order, *repeated]:
        session = await told(store, messages[index])
    assert await store.sessions(station_id=station_id) == [session]
    assert (session.started_at, session.ended_at, session.energy_kwh) == (NOW, at(60), 10.0)
    assert (session.id_tag, session.state, session.estimated) == ("TAG", SessionState.ENDED, False)
    samples: list[Sample] = await store.samples(ConnectorKey(station_id, 1), NOW, at(60))
    assert [one.energy_kwh for one in samples] == ENERGY


@shared(60)
@given(
    delivered=st.lists(st.integers(0, 4), min_size=1, max_size=8),
    start_is_metered=st.booleans(),
    end_is_metered=st.booleans(),
)
async def test_the_energy_of_a_session_is_its_last_register_less_its_first_whatever_was_lost(
    store: Store, delivered: list[int], start_is_metered: bool, end_is_metered: bool
) -> None:
    station_id = f"CP-{next(_numbers)}-{id(store)}"
    await build(store, station(station_id))
    messages = transaction(station_id)
    if not start_is_metered:
        messages[0] = replace(messages[0], meter_start_kwh=None)
    if not end_is_metered:
        messages[4] = replace(messages[4], meter_stop_kwh=None)
    for index in delivered:
        session = await told(store, messages[index])
    heard = set(delivered)
    known = [100.0] if 0 in heard and start_is_metered else []
    known += [kwh for index, kwh in enumerate(ENERGY, start=1) if index in heard]
    known += [110.0] if 4 in heard and end_is_metered else []
    assert await store.sessions(station_id=station_id) == [session]
    assert session.energy_kwh == (known[-1] - known[0] if known else 0.0)
    assert (session.ended_at is not None) == (4 in heard)


@shared(40)
@given(
    repeats=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    samples=st.permutations([101.0, 103.0, 106.0]),
    samples_first=st.booleans(),
    start_is_metered=st.booleans(),
)
async def test_a_1_6_session_counts_the_same_whatever_was_repeated_and_however_late_its_samples_come(
    store: Store, repeats: tuple[int, int], samples: list[float], samples_first: bool, start_is_metered: bool
) -> None:
    station_id = f"CP-{next(_numbers)}-{id(store)}"
    await build(store, station(station_id))
    key = ConnectorKey(station_id, 1)
    metered = [sample(kwh - 100.0, kwh, key) for kwh in samples]  # so many minutes after the start
    start = replace(start_16(), station_id=station_id, meter_start_kwh=100.0 if start_is_metered else None)
    for _ in range(repeats[0]):
        session = await told(store, start)
    if samples_first:
        await store.add_samples(metered)
    stop = replace(stop_16(session.transaction_id), station_id=station_id)
    for _ in range(repeats[1]):
        session = await told(store, stop)
    if not samples_first:
        await store.add_samples(metered)
    assert await store.sessions(station_id=station_id) == [session]
    first_kwh = 100.0 if start_is_metered else 101.0
    assert session.energy_kwh == (110.0 - first_kwh if start_is_metered or samples_first else 0.0)


async def test_a_start_without_a_register_begins_at_the_last_its_connector_told(store: Store) -> None:
    await build(store)
    await store.add_samples([sample(-600, 90.0), sample(-5, 100.0)])
    started = await told(store, replace(start_201("tx"), meter_start_kwh=None))
    assert started.meter_start_kwh is None
    ended = await told(store, end_201("tx", 60))
    assert (ended.energy_kwh, ended.estimated) == (10.0, True)


@pytest.mark.parametrize(
    ("registers", "stop_kwh", "energy_kwh"),
    [
        ([100.5, 103.0, 0.0, 2.0, 4.5], 4.5, 7.5),  # the meter was exchanged
        ([0.0, 3.0, 7.5], 107.4, 7.4),  # samples count per session, start and stop for life
        ([0.0, 3.0, 7.5], 7.5, 7.5),  # only the start counts for life
        ([101.0, 100.9, 104.0], 0.0, 4.0),  # noise, and a stop that tells nothing
        ([101.0, 99_999.0, 104.0], None, 4.0),  # one reading nobody can believe
    ],
)
async def test_registers_that_begin_anew_or_cannot_be_cost_no_energy_and_invent_none(
    store: Store, registers: list[float], stop_kwh: float | None, energy_kwh: float
) -> None:
    await build(store)
    started = await told(store, start_16())
    await store.add_samples([sample(10.0 * (n + 1), kwh) for n, kwh in enumerate(registers)])
    ended = await told(store, stop_16(started.transaction_id, meter_kwh=stop_kwh))
    assert ended.energy_kwh == pytest.approx(energy_kwh)


async def test_a_start_resent_after_a_restart_is_the_same_however_its_clock_was_corrected(store: Store) -> None:
    await build(store)
    first = await told(store, replace(start_16(), reported_at=at(7)))
    again = await told(store, replace(start_16(7), reported_at=at(7)))
    assert again == first
    assert len(await store.sessions()) == 1


async def test_samples_that_do_not_say_their_connector_are_on_that_of_their_transaction(store: Store) -> None:
    await build(store)
    await told(store, start_201("tx"))
    nowhere = replace(sample(10, 103.0), connector=ConnectorKey("CP-1", 0))
    await told(store, replace(update_201("tx", 10), connector_id=None, samples=(nowhere,)))
    assert [s.energy_kwh for s in await store.samples(KEY, NOW, at(60))] == [103.0]
    assert (await store.sessions())[0].energy_kwh == 3.0


async def test_a_session_that_another_showed_to_be_over_is_told(store: Store) -> None:
    await build(store)
    first = await told(store, start_16())
    recorded = await store.record_transaction(start_16(30, meter_kwh=104.0))
    assert [session.id for session in recorded.overtaken] == [first.id]
    assert recorded.overtaken[0].ended_at is not None
    assert (await store.record_transaction(start_16(30, meter_kwh=104.0))).overtaken == ()
