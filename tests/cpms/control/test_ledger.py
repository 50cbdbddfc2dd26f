from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.control.ledger import Ledger, NotAdmitted
from cpms.control.settings import ControlSettings
from cpms.domain.errors import UnsafeConfiguration
from cpms.domain.grid import Grant, GrantState, GridLimit, LimitPeriod, LimitTimeline, require_safe
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.station_clock import UNKNOWN_CLOCK, StationClock
from cpms.domain.telemetry import CommandOutcome
from cpms.domain.units import PHASES, Phase

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
KEYS = [ConnectorKey(f"S{i}", 1) for i in range(3)]
SETTINGS = ControlSettings()
RIGHT = StationClock(behind_s=5.0, error_s=0.0)


def site(limit_a: float = 40.0, fallback_a: float = 0.0, **options) -> Site:
    stations = tuple(Station(k.station_id, "x", "f", (Connector(k, fallback_current_a=fallback_a),)) for k in KEYS)
    return Site("x", "X", "UTC", "EUR", (Feeder("r", 100.0), Feeder("f", limit_a, "r")), stations, **options)


def base(key: ConnectorKey, sequence: int = 1, fallback_a: float = 0.0) -> Grant:
    return Grant(f"{key}-{sequence}", "x", key, sequence, NOW, fallback_a)


def grant(
    key: ConnectorKey, sequence: int, limit_a: float, at: datetime = NOW, lease_s: float = 900.0, tx: str = "t"
) -> Grant:
    periods = (LimitPeriod(at, limit_a),)
    return Grant(f"{key}-{sequence}", "x", key, sequence, at, 0.0, tx, periods, at + timedelta(seconds=lease_s))


def confirmed(limit_a: float = 40.0, clock: StationClock = RIGHT, **options) -> Ledger:
    ledger = Ledger(LimitTimeline(site(limit_a, **options)), SETTINGS, NOW)
    for key in KEYS:
        ledger.measure(key.station_id, clock)
        ledger.record(base(key))
        ledger.answer(f"{key}-1", CommandOutcome.ACCEPTED, NOW - timedelta(seconds=20))
    return ledger


def worst_a(ledger: Ledger, key: ConnectorKey, at: datetime) -> float:
    return ledger.accounts[key].counted[ledger.bins.index_of(at.timestamp())]


def test_a_connector_counts_at_its_hardware_maximum_until_its_default_is_acknowledged():
    ledger = Ledger(LimitTimeline(site()), SETTINGS, NOW)
    assert worst_a(ledger, KEYS[0], NOW) == 32.0
    ledger.record(base(KEYS[0]))
    ledger.answer(f"{KEYS[0]}-1", CommandOutcome.ACCEPTED, NOW)
    assert worst_a(ledger, KEYS[0], NOW) == 32.0, "the vehicle still ramps down"
    ledger.advance(NOW + timedelta(seconds=SETTINGS.ramp_s))
    assert worst_a(ledger, KEYS[0], NOW) == 0.0


def test_after_a_reboot_it_counts_at_its_maximum_again_and_an_old_answer_confirms_nothing():
    ledger = confirmed()
    ledger.record(base(KEYS[0], 2))
    ended = ledger.boot("S0", NOW)
    assert ended == {f"{KEYS[0]}-1": GrantState.ENDED}
    ledger.answer(f"{KEYS[0]}-2", CommandOutcome.ACCEPTED, NOW)
    assert not ledger.accounts[KEYS[0]].confirmed
    ledger.record(base(KEYS[0], 3))
    ledger.answer(f"{KEYS[0]}-3", CommandOutcome.ACCEPTED, NOW)
    assert ledger.accounts[KEYS[0]].confirmed


def test_a_grant_beyond_the_room_is_refused_and_leaves_no_trace():
    ledger = confirmed()
    ledger.record(grant(KEYS[0], 2, 30.0))
    before = ledger.headroom("f")
    with pytest.raises(NotAdmitted):
        ledger.record(grant(KEYS[1], 2, 12.0))
    assert ledger.headroom("f") == before
    ledger.record(grant(KEYS[1], 2, 10.0))


def test_a_decrease_frees_room_only_when_acknowledged_and_ramped():
    ledger = confirmed()
    ledger.record(grant(KEYS[0], 2, 32.0))
    ledger.answer(f"{KEYS[0]}-2", CommandOutcome.ACCEPTED, NOW)
    ledger.record(grant(KEYS[0], 3, 10.0))
    assert not ledger.admits(grant(KEYS[1], 2, 20.0))
    ledger.answer(f"{KEYS[0]}-3", CommandOutcome.ACCEPTED, NOW + timedelta(seconds=5))
    ledger.advance(NOW + timedelta(seconds=14))
    assert not ledger.admits(grant(KEYS[1], 2, 20.0))
    gone = ledger.advance(NOW + timedelta(seconds=15))
    assert gone == {f"{KEYS[0]}-2": GrantState.SUPERSEDED}
    assert ledger.admits(grant(KEYS[1], 2, 20.0))


@pytest.mark.parametrize("outcome", [CommandOutcome.TIMED_OUT, CommandOutcome.UNREACHABLE])
def test_a_grant_without_an_answer_counts_until_its_lease_ends_and_a_margin(outcome):
    ledger = confirmed()
    ledger.record(grant(KEYS[0], 2, 30.0))
    ledger.answer(f"{KEYS[0]}-2", outcome, NOW)
    end = NOW + timedelta(seconds=900 + SETTINGS.lead_s)
    ledger.advance(end - timedelta(seconds=1))
    assert worst_a(ledger, KEYS[0], end - timedelta(seconds=1)) == 30.0
    assert ledger.advance(end) == {f"{KEYS[0]}-2": GrantState.ENDED}
    assert worst_a(ledger, KEYS[0], end) == 0.0


@pytest.mark.parametrize(
    ("clock", "written_ahead_s", "late_s"),
    [
        (UNKNOWN_CLOCK, 0.0, 300.0),
        (StationClock(behind_s=5.0, error_s=0.0), 0.0, SETTINGS.clock_margin_s),
        (StationClock(behind_s=95.0, error_s=-90.0), 0.0, 95.0),
        (StationClock(behind_s=5.0, ahead_s=7200.0, error_s=7200.0), 7200.0, 7210.0),
        (StationClock(behind_s=18005.0, ahead_s=-18000.0, error_s=-18000.0), -18000.0, SETTINGS.clock_margin_s),
    ],
    ids=["not heard yet", "right", "behind", "local time, may be set right", "behind by hours"],
)
def test_a_lease_counts_as_long_as_the_stations_clock_may_make_it_last(clock, written_ahead_s, late_s):
    ledger = confirmed(clock=clock)
    ledger.record(replace(grant(KEYS[0], 2, 30.0), clock_ahead_s=written_ahead_s))
    end = NOW + timedelta(seconds=900 + SETTINGS.ramp_s + late_s)
    assert ledger.advance(end - timedelta(seconds=1)) == {}
    assert ledger.advance(end) == {f"{KEYS[0]}-2": GrantState.ENDED}


def test_a_clock_found_to_be_further_behind_counts_at_once_for_what_was_granted_before():
    ledger = confirmed()
    ledger.record(grant(KEYS[0], 2, 30.0, lease_s=600.0))
    at = NOW + timedelta(seconds=660)
    assert worst_a(ledger, KEYS[0], at) == 0.0
    assert ledger.measure("S0", StationClock(behind_s=95.0, error_s=-90.0))
    assert worst_a(ledger, KEYS[0], at) == 30.0
    assert not ledger.measure("S0", StationClock(behind_s=95.0, error_s=-90.0)), "it is known already"


@pytest.mark.parametrize("outcome", [CommandOutcome.REJECTED, CommandOutcome.NOT_SUPPORTED])
def test_a_rejected_grant_never_counted_for_more_than_its_flight(outcome):
    ledger = confirmed()
    ledger.record(grant(KEYS[0], 2, 30.0))
    ledger.answer(f"{KEYS[0]}-2", outcome, NOW)
    assert worst_a(ledger, KEYS[0], NOW) == 0.0


def test_a_late_acknowledgement_of_an_old_grant_does_not_end_a_newer_one():
    ledger = confirmed()
    ledger.record(grant(KEYS[0], 2, 30.0))
    ledger.answer(f"{KEYS[0]}-2", CommandOutcome.TIMED_OUT, NOW)
    ledger.record(grant(KEYS[0], 3, 12.0))
    ledger.answer(f"{KEYS[0]}-2", CommandOutcome.ACCEPTED, NOW)
    assert worst_a(ledger, KEYS[0], NOW) == 30.0
    ledger.answer(f"{KEYS[0]}-3", CommandOutcome.ACCEPTED, NOW)
    ledger.advance(NOW + timedelta(seconds=10))
    assert worst_a(ledger, KEYS[0], NOW) == 12.0


def test_the_end_of_a_transaction_retires_its_acknowledged_grants_but_not_those_under_way():
    ledger = confirmed()
    for key in KEYS[:2]:
        ledger.record(grant(key, 2, 15.0))
    ledger.answer(f"{KEYS[0]}-2", CommandOutcome.ACCEPTED, NOW)
    for key in KEYS[:2]:
        ledger.end_transaction(key, "t", NOW)
    assert ledger.advance(NOW + timedelta(seconds=10)) == {f"{KEYS[0]}-2": GrantState.ENDED}
    assert [worst_a(ledger, key, NOW) for key in KEYS[:2]] == [0.0, 15.0]


def test_what_was_stored_before_a_crash_counts_and_acknowledged_defaults_confirm():
    ledger = Ledger(LimitTimeline(site()), SETTINGS, NOW)
    stored = [(base(key), GrantState.ACCEPTED) for key in KEYS[:2]]
    ledger.restore([*stored, (base(KEYS[2]), GrantState.SENT), (grant(KEYS[0], 2, 20.0), GrantState.STORED)], NOW)
    assert [worst_a(ledger, key, NOW) for key in KEYS] == [20.0, 0.0, 32.0]


def test_a_future_limit_is_room_that_is_not_there():
    timeline = LimitTimeline(site(), (GridLimit("l", "f", limit_a=10.0, starts_at=NOW + timedelta(seconds=300)),))
    ledger = confirmed()
    ledger.adopt(timeline, NOW)
    assert ledger.admits(grant(KEYS[0], 2, 30.0, lease_s=280.0))
    assert not ledger.admits(grant(KEYS[0], 2, 30.0, lease_s=281.0)), "ramp and clock margin reach into the limit"


def test_limits_in_kw_are_reckoned_at_the_highest_voltage_and_reserve_counts_at_the_root_only():
    ledger = confirmed(60.0, import_limit_kw=20.0, reserved_other_load_kw=5.0)
    highest_a = 15.0 / (3 * 0.253)
    assert ledger.admissible_a(KEYS[0])[0] == pytest.approx(highest_a)
    assert ledger.headroom("f") == (60.0, 60.0, 60.0, float("inf"))
    assert ledger.headroom("r")[0] == pytest.approx(100.0 - 5000 / 690)


def test_unknown_rotation_counts_on_all_phases():
    one = Connector(KEYS[0], PHASES[:1], rotation_known=False)
    known = Connector(KEYS[1], PHASES[:1])
    stations = (Station("S0", "x", "f", (one,)), Station("S1", "x", "f", (known,)))
    ledger = Ledger(LimitTimeline(replace(site(80.0), stations=stations)), SETTINGS, NOW)
    assert ledger.headroom("f")[:3] == (16.0, 48.0, 48.0)


@given(
    limit_a=st.floats(1, 60),
    fallback_a=st.sampled_from([0.0, 6.0, 10.0]),
    import_kw=st.none() | st.floats(1, 40),
    later_kw=st.none() | st.floats(1, 40),
    reserved_kw=st.floats(0, 20),
)
def test_a_configuration_that_is_accepted_has_room_for_all_fallbacks_for_ever(
    limit_a, fallback_a, import_kw, later_kw, reserved_kw
):
    place = site(limit_a, fallback_a, import_limit_kw=import_kw, reserved_other_load_kw=reserved_kw)
    later = (GridLimit("l", "r", limit_kw=later_kw, starts_at=NOW + timedelta(hours=5)),)
    timeline = LimitTimeline(place, later if later_kw is not None else ())
    ledger = Ledger(timeline, SETTINGS, NOW)
    ledger.restore([(base(key, 1, fallback_a), GrantState.ACCEPTED) for key in KEYS], NOW)
    try:
        require_safe(timeline, NOW)
        safe = True
    except UnsafeConfiguration:
        safe = False
    assert safe == all(free >= -1e-6 for rows in ledger.room.values() for row in rows for free in row)


OUTCOMES = st.sampled_from([*CommandOutcome, CommandOutcome.ACCEPTED, CommandOutcome.ACCEPTED])
CONNECTORS = st.integers(0, 1)
LIMITS = st.sampled_from([[0], [32], [14], [26], [6, 32], [32, 6, 20]])
LEASES = st.sampled_from([60, 900])
ACCEPTED_GRANT = st.tuples(st.just("grant"), CONNECTORS, LIMITS, LEASES, st.just(CommandOutcome.ACCEPTED))
ANYWAY = (
    st.tuples(st.just("answer"), st.integers(0, 30), OUTCOMES),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 9, 60, 400])),
    st.tuples(st.sampled_from(["end", "boot"]), CONNECTORS),
)
OPERATIONS = st.lists(
    st.one_of(
        ACCEPTED_GRANT,
        ACCEPTED_GRANT,
        st.tuples(st.just("grant"), CONNECTORS, LIMITS, LEASES, st.none() | OUTCOMES),
        *ANYWAY,
    ),
    min_size=10,
    max_size=25,
)
"""Weighted towards grants that are acknowledged: what goes wrong goes wrong around a decrease."""


class Oracle:
    """What might be in force, told the slow way: every grant with the instants between which it may be."""

    def __init__(self) -> None:
        self.grants: dict[str, Grant] = {}
        self.until: dict[str, datetime] = {}
        self.accepted: set[str] = set()

    def may_draw_a(self, key: ConnectorKey, at: datetime) -> float:
        """Most at `at`, if clocks are behind and vehicles slow by as much as is allowed for, or clocks jump ahead, by seconds."""
        live = [g for g in self.grants.values() if g.connector == key and at < self.until.get(g.id, at + timedelta(1))]
        window = [at + timedelta(seconds=s) for s in (*range(-int(SETTINGS.lead_s) + 1, 12, 4), 300)]
        return max((g.limit_a_at(instant) for g in live for instant in window), default=0.0)

    def answer(self, chosen: Grant, outcome: CommandOutcome, now: datetime) -> None:
        if outcome in (CommandOutcome.REJECTED, CommandOutcome.NOT_SUPPORTED) and chosen.id not in self.accepted:
            del self.grants[chosen.id]
        elif outcome is CommandOutcome.ACCEPTED:
            self.accepted.add(chosen.id)
            for other in self.grants.values():
                if other.connector == chosen.connector and other.sequence < chosen.sequence:
                    self.end(other.id, now)

    def end(self, grant_id: str, now: datetime) -> None:
        ends_at = now + timedelta(seconds=SETTINGS.ramp_s)
        self.until[grant_id] = min(self.until.get(grant_id, ends_at), ends_at)


class Pair:
    """A ledger and its oracle, living the same operations."""

    def __init__(self) -> None:
        self.ledger, self.oracle, self.now, self.number = confirmed(), Oracle(), NOW, 10

    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def boot(self, connector: int) -> None:
        self.ledger.boot(KEYS[connector].station_id, self.now)

    def end(self, connector: int) -> None:
        self.ledger.end_transaction(KEYS[connector], "t", self.now)
        for accepted in self.oracle.accepted & self.oracle.grants.keys():
            if self.oracle.grants[accepted].connector == KEYS[connector]:
                self.oracle.end(accepted, self.now)

    def answer(self, index: int, outcome: CommandOutcome) -> None:
        if self.oracle.grants:
            self._answer(list(self.oracle.grants.values())[index % len(self.oracle.grants)], outcome)

    def grant(self, connector: int, limits: list[int], lease_s: int, outcome: CommandOutcome | None) -> None:
        self.give(self.written(connector, limits, lease_s), outcome)

    def written(self, connector: int, limits: list[int], lease_s: int) -> Grant:
        self.number += 1
        periods = tuple(LimitPeriod(self.now + timedelta(seconds=90 * i), float(a)) for i, a in enumerate(limits))
        ends_at = self.now + timedelta(seconds=lease_s)
        return Grant(f"g{self.number}", "x", KEYS[connector], self.number, self.now, 0.0, "t", periods, ends_at)

    def give(self, new: Grant, outcome: CommandOutcome | None) -> bool:
        """Send it if the ledger admits it; whether it did."""
        admitted = self.ledger.admits(new)
        if admitted:
            self.ledger.record(new)
            self.oracle.grants[new.id] = new
            if outcome is not None:
                self._answer(new, outcome)
        return admitted

    def _answer(self, chosen: Grant, outcome: CommandOutcome) -> None:
        if chosen.id not in self.oracle.accepted or outcome is CommandOutcome.ACCEPTED:
            self.oracle.answer(chosen, outcome, self.now)
            self.ledger.answer(chosen.id, outcome, self.now)


@settings(deadline=None, max_examples=150)
@given(OPERATIONS)
def test_what_may_be_in_force_never_exceeds_the_limit_at_any_second(operations):
    pair = Pair()
    for verb, *arguments in operations:
        pair.ledger.advance(pair.now)
        getattr(pair, verb)(*arguments)
        for second in (*range(0, 30, 3), *range(30, 960, 45)):
            at = pair.now + timedelta(seconds=second)
            assert sum(pair.oracle.may_draw_a(key, at) for key in KEYS) <= 40.0 + 1e-6


def free_a(ledger: Ledger) -> tuple[float, ...]:
    return ledger.headroom("f")[:3]


def test_a_vehicle_trusted_with_one_phase_leaves_the_others_to_others():
    ledger = confirmed()
    ledger.record(grant(KEYS[0], 2, 30.0))
    assert free_a(ledger) == (10.0, 10.0, 10.0)
    ledger.trust_phases(KEYS[0], (Phase.L2,))
    assert free_a(ledger) == (40.0, 10.0, 40.0)
    ledger.trust_phases(KEYS[0], None)
    assert free_a(ledger) == (10.0, 10.0, 10.0)


@pytest.mark.parametrize("happening", ["boot", "quarantine", "edit"])
def test_trust_ends_with_whatever_it_rested_on(happening: str):
    ledger = confirmed()
    ledger.trust_phases(KEYS[0], (Phase.L2,))
    if happening == "boot":
        ledger.boot("S0", NOW)
    elif happening == "quarantine":
        ledger.quarantine(KEYS[0], True)
    else:
        ledger.adopt(LimitTimeline(site(fallback_a=6.0)), NOW)
    assert len(ledger.weights(KEYS[0])) == 4, "three phases and kW"
    ledger.trust_phases(KEYS[0], (Phase.L2,))
    assert len(ledger.weights(KEYS[0])) == 4, "nor does it come back meanwhile"


def test_nothing_is_trusted_at_a_connector_with_a_fallback_because_that_is_for_any_vehicle():
    ledger = Ledger(LimitTimeline(site(fallback_a=6.0)), SETTINGS, NOW)
    ledger.trust_phases(KEYS[0], (Phase.L1,))
    assert len(ledger.weights(KEYS[0])) == 4
