"""The ledger where connectors are told to use one phase: it counts there alone once that was shown, while it is told so."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.control.ledger import Ledger, NotAdmitted
from cpms.domain.grid import Grant, GrantState
from cpms.domain.telemetry import CommandOutcome
from cpms.domain.units import PHASES, Phase
from tests.cpms.control.test_ledger import (
    ANYWAY,
    CONNECTORS,
    KEYS,
    LEASES,
    LIMITS,
    NOW,
    OUTCOMES,
    Pair,
    confirmed,
    free_a,
    grant,
    timedelta,
)


def on_one(limit_a: float, sequence: int = 2) -> Grant:
    return replace(grant(KEYS[0], sequence, limit_a), single_phase=Phase.L2)


def told(ledger: Ledger, one: Grant) -> None:
    ledger.record(one)
    ledger.answer(one.id, CommandOutcome.ACCEPTED, NOW - timedelta(seconds=30))
    ledger.advance(NOW)


def test_one_phase_counts_on_all_of_them_until_it_was_shown():
    ledger = confirmed()
    told(ledger, on_one(30.0))
    assert free_a(ledger) == (10.0, 10.0, 10.0)
    ledger.trust_phases(KEYS[0], (Phase.L2,), Phase.L2)
    assert free_a(ledger) == (40.0, 10.0, 40.0)
    assert ledger.admits(replace(grant(KEYS[1], 2, 40.0), single_phase=None)) is False
    assert ledger.admits(grant(KEYS[1], 2, 10.0))


def test_what_was_shown_lasts_no_longer_than_it_is_told():
    ledger = confirmed()
    told(ledger, on_one(20.0))
    ledger.trust_phases(KEYS[0], (Phase.L2,), Phase.L2)
    told(ledger, on_one(20.0, 3))
    assert free_a(ledger) == (40.0, 20.0, 40.0), "told the same again"
    ledger.record(grant(KEYS[0], 4, 6.0))
    assert free_a(ledger) == (20.0, 20.0, 20.0), "both may be in force, the one on one phase anywhere"
    ledger.trust_phases(KEYS[0], (Phase.L2,), Phase.L2)
    assert free_a(ledger) == (20.0, 20.0, 20.0), "nor is it trusted meanwhile"


def test_going_to_all_phases_needs_room_on_all_for_what_is_held_on_one():
    ledger = confirmed()
    told(ledger, on_one(20.0))
    ledger.trust_phases(KEYS[0], (Phase.L2,), Phase.L2)
    ledger.record(replace(grant(KEYS[1], 2, 20.0), single_phase=None))
    ledger.record(replace(grant(KEYS[2], 2, 0.0), single_phase=None))
    assert ledger.admissible_a(KEYS[0], Phase.L2)[0] == 20.0
    assert ledger.admissible_a(KEYS[0])[0] == 20.0
    assert ledger.admits(grant(KEYS[0], 3, 6.0))
    ledger.quarantine(KEYS[1], True)
    assert ledger.admissible_a(KEYS[0])[0] == 8.0
    with pytest.raises(NotAdmitted):
        ledger.record(grant(KEYS[0], 3, 6.0))
    assert ledger.admits(on_one(6.0, 3))


def test_a_switch_is_never_sent_before_it_is_stored():
    ledger = confirmed()
    told(ledger, on_one(20.0))
    assert ledger.only_lowers(on_one(6.0, 3))
    assert not ledger.only_lowers(grant(KEYS[0], 3, 6.0))


def test_after_a_restart_one_phase_counts_on_all():
    ledger = confirmed()
    ledger.restore([(on_one(20.0), GrantState.ACCEPTED)], NOW)
    assert free_a(ledger) == (20.0, 20.0, 20.0)


class SwitchingPair(Pair):
    """As its base, with what stations were shown to do."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: set[int] = set()

    def show(self, connector: int) -> None:
        """Its meter showed its one phase alone: true only where nothing else was told."""
        key = KEYS[connector]
        if all(g.single_phase for g in self.live(connector)):
            self.shown.add(connector)
        self.ledger.trust_phases(key, (PHASES[connector],), PHASES[connector])

    def alone(self, connector: int, limits: list[int]) -> None:
        """It is told to use one phase, says that it does, and is seen to."""
        self.tell(True, connector, limits, 900, CommandOutcome.ACCEPTED)
        self.wait(15)
        self.ledger.advance(self.now)
        self.show(connector)

    def live(self, connector: int) -> list[Grant]:
        ends = self.oracle.until
        return [
            g
            for g in self.oracle.grants.values()
            if g.connector == KEYS[connector] and ends.get(g.id, self.now) >= self.now
        ]

    def tell(
        self, single: bool, connector: int, limits: list[int], lease_s: int, outcome: CommandOutcome | None
    ) -> None:
        phase = PHASES[connector] if single else None
        admitted = self.give(replace(self.written(connector, limits, lease_s), single_phase=phase), outcome)
        if admitted and not single:
            self.shown.discard(connector)

    def may_draw_a(self, phase: Phase, at_s: int) -> float:
        """Most on a phase: where it was not shown, one phase may be any, or all."""
        at, total_a = self.now + timedelta(seconds=at_s), 0.0
        kept = dict(self.oracle.grants)
        for connector, key in enumerate(KEYS):
            elsewhere = phase is not PHASES[connector] and connector in self.shown
            self.oracle.grants = {i: g for i, g in kept.items() if not (elsewhere and g.single_phase)}
            total_a += self.oracle.may_draw_a(key, at)
        self.oracle.grants = kept
        return total_a


SWITCHING = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.booleans(), CONNECTORS, LIMITS, LEASES, st.just(CommandOutcome.ACCEPTED)),
        st.tuples(st.just("tell"), st.booleans(), CONNECTORS, LIMITS, LEASES, st.none() | OUTCOMES),
        st.tuples(st.just("alone"), CONNECTORS, LIMITS),
        st.tuples(st.just("alone"), CONNECTORS, LIMITS),
        st.tuples(st.just("show"), CONNECTORS),
        *ANYWAY,
    ),
    min_size=10,
    max_size=25,
)


@settings(deadline=None, max_examples=100)
@given(SWITCHING)
def test_what_may_be_in_force_never_exceeds_the_limit_on_any_phase_at_any_second(operations):
    pair = SwitchingPair()
    for verb, *arguments in operations:
        pair.ledger.advance(pair.now)
        getattr(pair, verb)(*arguments)
        for second in (*range(0, 30, 6), *range(30, 960, 90)):
            for phase in PHASES:
                assert pair.may_draw_a(phase, second) <= 40.0 + 1e-6
