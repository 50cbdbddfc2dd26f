"""What meters teach about vehicles: phases they are trusted with, and how much they take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cpms.control.book import SessionBook
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import Session
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.telemetry import PerPhase, Sample
from cpms.domain.units import Phase

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
KEY = ConnectorKey("S", 1)
CONNECTOR = Connector(KEY)
SITE = Site("site", "Site", "UTC", "EUR", (Feeder("grid", 100.0),), (Station("S", "site", "grid", (CONNECTOR,)),))
SESSION = Session("s", "site", KEY, "tx", NOW)


class Watched:
    """A book with one session, told a sample every minute."""

    def __init__(self) -> None:
        self.book = SessionBook()
        self.book.open(SESSION)
        self.now = NOW

    def draws(self, *current_a: float | None, minutes: int = 1, permitted_a: float = 32.0) -> None:
        for _ in range(minutes):
            self.now += timedelta(minutes=1)
            phases: PerPhase = (current_a[0], current_a[1], current_a[2])
            self.book.learn(Sample(KEY, self.now, self.now, "tx", current_a=phases), SITE, permitted_a)

    def trusted(self) -> tuple[Phase, ...] | None:
        return self.book.settled_phases(self.book.sessions["s"], CONNECTOR, 180.0)

    def takes(self, drawn_a: float, permitted_a: float, times: int = 1) -> tuple[float, float]:
        for _ in range(times):
            self.now += timedelta(minutes=1)
            self.book.acceptances.note(SESSION, CONNECTOR, drawn_a, permitted_a, self.now)
        return self.book.acceptances.planned_a(SESSION, CONNECTOR), self.offered_a()

    def offered_a(self) -> float:
        return self.book.acceptances.probe_a(SESSION, CONNECTOR, self.now)


def test_without_three_phases_a_vehicle_may_show_32_a_at_once_and_is_planned_with_16_a_until_it_does():
    book = SessionBook()
    book.open(SESSION)
    one_phase = replace(CONNECTOR, phases=(Phase.L1,), max_current_a=40.0)
    assert (book.acceptances.planned_a(SESSION, one_phase), book.acceptances.probe_a(SESSION, one_phase, NOW)) == (
        16.0,
        32.0,
    )
    assert (book.acceptances.planned_a(SESSION, CONNECTOR), book.acceptances.probe_a(SESSION, CONNECTOR, NOW)) == (
        16.0,
        20.0,
    )
    book.acceptances.note(SESSION, one_phase, 31.5, 32.0, NOW)
    assert book.acceptances.planned_a(SESSION, one_phase) == 31.5


def test_one_phase_is_trusted_after_three_minutes_of_charging_on_it_alone():
    seen = Watched()
    seen.draws(16.0, 0.0, 0.0, minutes=3)
    assert seen.trusted() is None
    seen.draws(16.0, 0.0, 0.0)
    assert seen.trusted() == (Phase.L1,)


def test_a_phase_that_is_not_reported_proves_nothing():
    seen = Watched()
    seen.draws(16.0, None, None, minutes=10)
    assert seen.trusted() is None


def test_pauses_and_inrush_prove_nothing_and_a_pause_ends_no_proof():
    seen = Watched()
    seen.draws(1.5, 0.0, 0.0)
    seen.draws(0.0, 0.0, 0.0, minutes=10)
    assert seen.trusted() is None
    seen.draws(16.0, 0.0, 0.0, minutes=4)
    seen.draws(0.0, 0.0, 0.0, minutes=10)
    assert seen.trusted() == (Phase.L1,)


def test_a_vehicle_that_shows_another_phase_is_no_longer_trusted():
    seen = Watched()
    seen.draws(16.0, 0.0, 0.0, minutes=5)
    seen.draws(16.0, 16.0, 0.0)
    assert seen.trusted() is None


def test_all_phases_are_nothing_to_trust():
    seen = Watched()
    seen.draws(16.0, 16.0, 16.0, minutes=10)
    assert seen.trusted() is None


def test_a_reboot_ends_the_proof():
    seen = Watched()
    seen.draws(16.0, 0.0, 0.0, minutes=5)
    seen.book.forget_phases("S")
    assert seen.trusted() is None


def test_a_vehicle_is_planned_with_the_usual_until_it_shows_more_or_less():
    seen = Watched()
    assert seen.book.acceptances.planned_a(SESSION, CONNECTOR) == 16.0
    assert seen.takes(16.0, 16.0) == (16.0, 20.0)
    assert seen.takes(20.0, 20.0) == (20.0, 25.0)
    assert seen.takes(20.0, 25.0, times=2) == (pytest.approx(20.3), pytest.approx(20.3))


def test_a_vehicle_that_is_waking_up_shows_no_limit():
    seen = Watched()
    assert seen.takes(6.0, 16.0) == (16.0, 20.0)
    assert seen.takes(16.0, 16.0) == (16.0, 20.0)
    assert seen.takes(6.0, 16.0) == (16.0, 20.0)


def test_a_limit_a_vehicle_showed_is_tried_again_after_a_quarter_of_an_hour():
    seen = Watched()
    assert seen.takes(6.0, 16.0, times=2) == (pytest.approx(6.3), pytest.approx(6.3))
    seen.takes(6.3, 6.3, times=14)
    assert seen.offered_a() == pytest.approx(6.3)
    seen.takes(6.3, 6.3)
    assert seen.offered_a() == 16.0
    assert seen.takes(16.0, 16.0) == (16.0, 20.0)


def test_a_vehicle_that_follows_a_low_limit_shows_nothing():
    seen = Watched()
    assert seen.takes(8.0, 8.0) == (16.0, 20.0)


def test_a_limit_a_vehicle_showed_is_believed_as_long_when_the_clock_is_set():
    seen = Watched()
    seen.takes(6.0, 16.0, times=2)
    seen.book.move_instants(timedelta(hours=1))
    seen.now += timedelta(hours=1, minutes=5)
    assert seen.offered_a() == pytest.approx(6.3)


def test_tapering_is_followed_down_to_the_minimum():
    seen = Watched()
    assert seen.takes(9.0, 16.0, times=2)[0] == pytest.approx(9.3)
    assert seen.takes(6.1, 9.3, times=2)[0] == pytest.approx(6.4)
    assert seen.takes(2.0, 9.3)[0] == pytest.approx(6.4)


def test_a_vehicle_that_twice_drew_less_than_the_minimum_is_believed_to_draw_that_for_a_while():
    seen, session = Watched(), SESSION
    acceptances = seen.book.acceptances
    assert seen.takes(3.0, 6.0)[0] == 16.0
    assert acceptances.draws_a(session, seen.now) is None, "it may be waking up"
    seen.takes(2.5, 6.0)
    assert acceptances.draws_a(session, seen.now) == 3.0
    seen.takes(2.0, 6.0)
    assert acceptances.draws_a(session, seen.now) == 2.5
    assert acceptances.draws_a(session, seen.now + timedelta(minutes=15)) is None


def test_a_vehicle_that_draws_the_minimum_again_is_planned_as_before():
    seen = Watched()
    seen.takes(3.0, 6.0, times=2)
    assert seen.book.acceptances.note(SESSION, CONNECTOR, 6.0, 6.0, seen.now)
    assert seen.book.acceptances.draws_a(SESSION, seen.now) is None


@pytest.mark.parametrize(("drawn_a", "permitted_a"), [(0.5, 6.0), (3.0, 0.0), (5.8, 6.0)])
def test_drawing_nothing_or_not_permitted_or_about_the_minimum_is_no_tail(drawn_a, permitted_a):
    seen = Watched()
    seen.takes(drawn_a, permitted_a, times=3)
    assert seen.book.acceptances.draws_a(SESSION, seen.now) is None


def test_plans_are_touched_when_a_tail_begins_and_when_it_falls_by_more_than_an_ampere():
    acceptances = Watched().book.acceptances
    drawn = (4.0, 4.0, 3.5, 2.5, 2.5, 2.4)
    touched = [
        acceptances.note(SESSION, CONNECTOR, drawn_a, 6.0, NOW + timedelta(minutes=minute))
        for minute, drawn_a in enumerate(drawn)
    ]
    assert touched == [False, True, False, False, False, False]


def test_what_is_known_of_tails_moves_with_the_clock_and_ends_with_the_session():
    seen = Watched()
    seen.takes(3.0, 6.0, times=2)
    seen.book.move_instants(timedelta(hours=1))
    assert seen.book.acceptances.draws_a(SESSION, seen.now + timedelta(hours=1)) == 3.0
    seen.book.close(SESSION.id)
    assert seen.book.acceptances.draws_a(SESSION, seen.now + timedelta(hours=1)) is None
