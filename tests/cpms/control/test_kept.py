from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cpms.control.kept import in_words, kept
from cpms.control.ledger import Ledger
from cpms.control.settings import ControlSettings
from cpms.domain.grid import Grant, LimitPeriod, LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.station_clock import StationClock
from cpms.domain.telemetry import CommandOutcome

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
KEYS = [ConnectorKey(f"S{i}", 1) for i in range(4)]
ALL_ONLINE = frozenset(key.station_id for key in KEYS)
MOST_KW = 32 * 3 * 0.253


def ledger(confirmed: int) -> Ledger:
    stations = tuple(Station(k.station_id, "x", "r", (Connector(k),)) for k in KEYS)
    made = Ledger(LimitTimeline(Site("x", "X", "UTC", "EUR", (Feeder("r", 100.0),), stations)), ControlSettings(), NOW)
    for number, key in enumerate(KEYS[:confirmed]):
        made.measure(key.station_id, StationClock(behind_s=5.0, error_s=0.0))
        made.record(Grant(f"b{number}", "x", key, 1, NOW, 0.0))
        made.answer(f"b{number}", CommandOutcome.ACCEPTED, NOW - timedelta(seconds=20))
    return made


def test_nothing_is_kept_for_connectors_that_confirmed_their_default_and_hold_nothing():
    assert kept(ledger(confirmed=4), (), ALL_ONLINE) == ()


def test_room_is_kept_for_a_station_that_was_never_connected_until_it_is():
    (one,) = kept(ledger(confirmed=3), (), ALL_ONLINE - {"S3"})
    assert (one.connector, round(one.power_kw, 2), one.until) == (KEYS[3], round(MOST_KW, 2), None)
    assert one.why == "not connected, its default profile was not confirmed: counted at 32 A until it is"


def test_a_connected_station_that_has_not_confirmed_its_default_yet_is_named_as_such():
    (one,) = kept(ledger(confirmed=3), (), ALL_ONLINE)
    assert one.why == "its default profile is not confirmed yet: counted at 32 A until it is"


def test_room_is_kept_for_a_station_that_is_away_until_its_lease_is_surely_over():
    made, lease_ends_at = ledger(confirmed=4), NOW + timedelta(minutes=10)
    made.record(Grant("g", "x", KEYS[1], 2, NOW, 0.0, "t", (LimitPeriod(NOW, 10.0),), lease_ends_at))
    assert kept(made, [KEYS[1]], ALL_ONLINE) == (), "it can be asked to give it back"
    (one,) = kept(made, (), ALL_ONLINE - {"S1"})
    assert (one.connector, round(one.power_kw, 2)) == (KEYS[1], round(MOST_KW * 10 / 32, 2))
    assert one.until == lease_ends_at + timedelta(seconds=20)


def test_room_is_kept_for_a_connector_that_disobeys():
    made = ledger(confirmed=4)
    made.quarantine(KEYS[2], True)
    (one,) = kept(made, (), ALL_ONLINE)
    assert (one.connector, one.why) == (KEYS[2], "metered above its limit: counted at 32 A until it obeys")


def test_in_words_the_most_important_are_named_and_the_others_counted():
    found = kept(ledger(confirmed=0), (), ALL_ONLINE)
    assert in_words(found) == f"{4 * MOST_KW:.1f} kW kept for S0/1, S1/1 and 2 more"
    assert in_words(found[:2]) == f"{2 * MOST_KW:.1f} kW kept for S0/1 and S1/1"
    assert in_words(replace(one, power_kw=22.08) for one in found[:1]) == "22.1 kW kept for S0/1"
    assert in_words(()) == ""
