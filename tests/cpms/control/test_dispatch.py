from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.control.dispatch import Desk, dispatch, write_grant
from cpms.control.dispatch import Proposal as ProposalOf
from cpms.control.fit import Wish
from cpms.control.ledger import Ledger, NotAdmitted
from cpms.control.settings import ControlSettings
from cpms.domain.grid import Grant, LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.station_clock import StationClock
from cpms.domain.telemetry import CommandOutcome

NOW = datetime(2026, 3, 3, 12, 0, 5, tzinfo=UTC)
RIGHT = StationClock(behind_s=5.0, error_s=0.0)
KEYS = [ConnectorKey(f"S{i}", 1) for i in range(3)]


class Bench:
    """A ledger and a desk, and somebody who answers."""

    def __init__(self, limit_a: float = 40.0) -> None:
        stations = tuple(Station(k.station_id, "x", "r", (Connector(k),)) for k in KEYS)
        site = Site("x", "X", "UTC", "EUR", (Feeder("r", limit_a),), stations)
        self.now, self.desk = NOW, Desk("x", 0)
        self.ledger = Ledger(LimitTimeline(site), ControlSettings(), NOW)
        for number, key in enumerate(KEYS):
            self.ledger.record(Grant(f"b{number}", "x", key, 1, NOW, 0.0))
            self.ledger.answer(f"b{number}", CommandOutcome.ACCEPTED, NOW - timedelta(seconds=20))
            self.ledger.measure(key.station_id, RIGHT)

    def record(self, grant: Grant) -> bool:
        try:
            self.ledger.record(grant)
        except NotAdmitted:
            return False
        return True

    def wish(self, key: ConnectorKey, limit_a: float | list[float]) -> Wish:
        count = self.ledger.bins.count
        values = [limit_a] * count if isinstance(limit_a, int | float) else (limit_a + [limit_a[-1]] * count)[:count]
        return Wish(
            self.ledger.accounts[key].connector, str(key), "t", [float(v) for v in values], 0, NOW + timedelta(hours=1)
        )

    def dispatch(self, *wishes: Wish) -> list[tuple[Grant, bool]]:
        self.ledger.advance(self.now)
        return dispatch(wishes, self.ledger, self.desk, self.now, self.record)

    def accept(self, sent: list[tuple[Grant, bool]]) -> None:
        for grant, _ in sent:
            self.ledger.answer(grant.id, CommandOutcome.ACCEPTED, self.now)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_a_decrease_goes_out_before_an_increase():
    bench = Bench()
    bench.accept(bench.dispatch(bench.wish(KEYS[2], 32.0)))
    bench.wait(30)
    sent = bench.dispatch(bench.wish(KEYS[0], 8.0), bench.wish(KEYS[2], 20.0))
    assert [(g.connector, lowers) for g, lowers in sent] == [(KEYS[2], True), (KEYS[0], False)]


def test_an_increase_waits_for_the_acknowledgement_and_the_ramp_of_the_decrease_that_frees_it():
    bench = Bench()
    bench.accept(bench.dispatch(bench.wish(KEYS[0], 32.0)))
    bench.wait(30)
    wishes = bench.wish(KEYS[0], 10.0), bench.wish(KEYS[1], 30.0)
    lowered = bench.dispatch(*wishes)
    first = {g.connector: g.limit_a_at(bench.now) for g, _ in lowered}
    assert first == {KEYS[0]: 10.0, KEYS[1]: 8.0}
    bench.accept(lowered)
    bench.wait(9)
    assert bench.dispatch(*wishes) == []
    bench.wait(2)
    raised = bench.dispatch(*wishes)
    assert [(g.connector, g.limit_a_at(bench.now)) for g, _ in raised] == [(KEYS[1], 30.0)]


def test_with_nothing_new_nothing_is_sent_again():
    bench = Bench()
    wishes = [bench.wish(key, 10.0) for key in KEYS]
    bench.accept(bench.dispatch(*wishes))
    for _ in range(5):
        bench.wait(60)
        assert bench.dispatch(*(bench.wish(key, 10.0) for key in KEYS)) == []


def test_a_lease_is_renewed_when_half_of_it_is_left():
    bench = Bench()
    bench.accept(bench.dispatch(bench.wish(KEYS[0], 10.0)))
    renewed_after_s = None
    for second in range(0, 900, 10):
        bench.wait(10)
        if bench.dispatch(bench.wish(KEYS[0], 10.0)):
            renewed_after_s = second + 10
            break
    assert renewed_after_s is not None
    assert 300 <= renewed_after_s <= 540


def test_only_one_raise_is_under_way_per_connector_but_a_decrease_overtakes_it():
    bench = Bench()
    assert len(bench.dispatch(bench.wish(KEYS[0], 10.0))) == 1
    bench.wait(5)
    assert bench.dispatch(bench.wish(KEYS[0], 20.0)) == []
    assert [lowers for _, lowers in bench.dispatch(bench.wish(KEYS[0], 6.0))] == [True]


def test_after_a_rejection_it_waits_and_tries_again():
    bench = Bench()
    (sent,) = bench.dispatch(bench.wish(KEYS[0], 10.0))
    bench.ledger.answer(sent[0].id, CommandOutcome.REJECTED, bench.now)
    bench.desk.failed(KEYS[0], bench.now, timedelta(seconds=30), 900.0)
    bench.wait(29)
    assert bench.dispatch(bench.wish(KEYS[0], 10.0)) == []
    bench.wait(2)
    assert len(bench.dispatch(bench.wish(KEYS[0], 10.0))) == 1


def test_a_lost_answer_is_followed_by_a_new_grant():
    bench = Bench()
    (sent,) = bench.dispatch(bench.wish(KEYS[0], 10.0))
    bench.ledger.answer(sent[0].id, CommandOutcome.TIMED_OUT, bench.now)
    bench.wait(1)
    (again,) = bench.dispatch(bench.wish(KEYS[0], 10.0))
    assert again[0].sequence > sent[0].sequence


def test_a_grant_ends_on_the_station_by_itself_and_starts_at_once():
    bench = Bench()
    ((grant, _),) = bench.dispatch(bench.wish(KEYS[0], 10.0))
    assert grant.periods[0].starts_at <= grant.issued_at
    assert grant.lease_ends_at is not None
    assert grant.lease_ends_at - NOW <= timedelta(seconds=900)
    assert grant.limit_a_at(grant.lease_ends_at) == grant.fallback_a == 0.0


CURRENTS = st.floats(0, 40).map(lambda a: round(a, 3))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(CURRENTS, min_size=1, max_size=15), min_size=3, max_size=3), st.floats(6, 70), st.integers(0, 59)
)
def test_setpoints_are_nothing_or_at_least_the_minimum_and_always_admitted(wanted, limit_a, second):
    bench = Bench(limit_a)
    bench.now = NOW.replace(second=second)
    refused = []
    bench.record = lambda g, record=bench.record: record(g) or bool(refused.append(g))
    for grant, _ in bench.dispatch(*(bench.wish(k, w) for k, w in zip(KEYS, wanted, strict=True))):
        for period in grant.periods:
            assert period.limit_a == 0.0 or 6.0 <= period.limit_a <= 32.0
            assert round(period.limit_a * 10, 6).is_integer()
    assert refused == []


def test_scheduled_decreases_come_early_by_what_clocks_may_be_behind_and_vehicles_slow():
    bench = Bench()
    wish = bench.wish(KEYS[0], 10.0)
    grant = write_grant(ProposalOf(wish, [10.0, 10.0, 6.0, 6.0, 0.0], False), bench.ledger, bench.desk, bench.now)
    seconds = [(p.starts_at - NOW.replace(second=0)).total_seconds() for p in grant.periods]
    assert seconds == [5.0, 100.0, 220.0]


def test_a_grant_never_rises_by_itself_and_the_raise_is_granted_when_it_is_time():
    bench = Bench()
    wanted = [16.0] * 2 + [6.0] * 2 + [20.0]
    bench.accept(bench.dispatch(bench.wish(KEYS[0], wanted)))
    (first,) = [h.grant for h in bench.ledger.accounts[KEYS[0]].grants]
    assert [p.limit_a for p in first.periods] == [16.0, 6.0]
    bench.now = NOW.replace(second=0) + timedelta(minutes=4, seconds=1)
    ((raised, lowers),) = bench.dispatch(bench.wish(KEYS[0], 20.0))
    assert ([p.limit_a for p in raised.periods], lowers) == ([20.0], False)


def test_a_station_whose_clock_is_behind_lowers_earlier_and_its_lease_counts_longer():
    bench = Bench()
    bench.ledger.measure(KEYS[0].station_id, StationClock(behind_s=95.0, error_s=-90.0))
    ((late, _),) = bench.dispatch(bench.wish(KEYS[0], [30.0] * 4 + [10.0]))
    assert late.limit_a_at(NOW.replace(second=0) + timedelta(minutes=4) - timedelta(seconds=106)) == 30.0
    assert late.limit_a_at(NOW.replace(second=0) + timedelta(minutes=4) - timedelta(seconds=105)) == 10.0
    assert late.periods[0].starts_at <= NOW - timedelta(seconds=95), "in force at once on the slow clock"
    four = bench.ledger.bins.index_of((NOW + timedelta(minutes=4)).timestamp())
    assert bench.ledger.accounts[KEYS[0]].counted[four - 1 : four + 1] == [30.0, 10.0]


@settings(deadline=None, max_examples=100)
@given(
    behind_s=st.lists(st.sampled_from([0.0, 5.0, 20.0, 60.0, 95.0, 300.0, 7200.0]), min_size=3, max_size=3),
    ahead_s=st.lists(st.sampled_from([0.0, 0.0, 125.0, 7200.0, -3600.0]), min_size=3, max_size=3),
    wanted=st.lists(st.lists(st.sampled_from([0.0, 6.0, 13.0, 32.0]), min_size=1, max_size=8), min_size=3, max_size=3),
    second=st.integers(0, 59),
)
def test_whatever_clocks_may_be_off_what_is_dispatched_is_admitted(behind_s, ahead_s, wanted, second):
    bench, refused = Bench(limit_a=45.0), []
    for key, behind, ahead in zip(KEYS, behind_s, ahead_s, strict=True):
        bench.ledger.measure(key.station_id, StationClock(max(behind, behind - ahead), ahead, error_s=0.0))
    bench.now = NOW.replace(second=second)

    def record(grant: Grant) -> bool:
        if not bench.record(grant):
            refused.append(grant)
        return True

    bench.ledger.advance(bench.now)
    wishes = [bench.wish(key, values) for key, values in zip(KEYS, wanted, strict=True)]
    sent = dispatch(wishes, bench.ledger, bench.desk, bench.now, record)
    assert refused == []
    assert all(a.limit_a >= b.limit_a for g, _ in sent for a, b in zip(g.periods, g.periods[1:], strict=False))
    assert all(free >= -1e-6 for row in bench.ledger.room["r"] for free in row)
