"""Instants as stations write them."""

from datetime import UTC, datetime, timedelta

import pytest

from cpms.ocpp.station_time import StationTime, write_instant

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def at(time: StationTime, text: str | None, received_at: datetime = NOW) -> tuple[datetime, list[str]]:
    deviations: list[str] = []
    return time.resolve(text, received_at, deviations)[0], deviations


@pytest.mark.parametrize(
    "text", ["2026-06-01T11:59:00Z", "2026-06-01T13:59:00+02:00", "2026-06-01T11:59:00.000000Z", "20260601T115900Z"]
)
def test_the_usual_spellings_are_read(text: str):
    assert at(StationTime(), text) == (NOW - timedelta(minutes=1), [])


def test_without_a_zone_it_is_utc():
    assert at(StationTime(), "2026-06-01T11:59:00") == (
        NOW - timedelta(minutes=1),
        ["the timestamp has no time zone"],
    )


@pytest.mark.parametrize("text", [None, "", "yesterday", "0000-00-00T00:00:00Z", "2026-13-01T00:00:00Z"])
def test_what_cannot_be_read_happened_when_it_came(text: str | None):
    instant, deviations = at(StationTime(), text)
    assert instant == NOW
    assert deviations


def test_a_clock_in_1970_tells_nothing_but_is_kept_on_record():
    deviations: list[str] = []
    instant, reported_at = StationTime().resolve("1970-01-01T00:03:00Z", NOW, deviations)
    assert (instant, reported_at) == (NOW, datetime(1970, 1, 1, 0, 3, tzinfo=UTC))
    assert deviations == ["the timestamp is more than a year old"]


def test_local_time_marked_as_utc_is_corrected_for_live_and_for_queued_messages():
    time = StationTime()
    assert at(time, "2026-06-01T13:59:50Z")[0] == NOW - timedelta(seconds=10)
    queued, _ = at(time, "2026-06-01T12:30:00Z", NOW + timedelta(hours=1))
    assert queued == NOW - timedelta(minutes=90)


def test_the_far_future_becomes_now():
    assert at(StationTime(), "2099-01-01T00:00:00Z")[0] == NOW


def test_a_clock_that_was_set_right_is_believed_again():
    time = StationTime()
    at(time, "2026-06-01T13:00:00Z")
    assert at(time, "2026-06-01T12:00:30Z")[0] == NOW + timedelta(seconds=30)
    assert time.ahead == timedelta()


def test_hours_in_a_queue_are_not_a_wrong_clock():
    assert at(StationTime(), "2026-06-01T04:00:00Z") == (NOW - timedelta(hours=8), [])


def heard(time: StationTime, behind: timedelta, minutes: list[float]) -> list[timedelta]:
    """How old each of some live messages of a station looks whose clock is `behind`."""
    ages = []
    for minute in minutes:
        received_at = NOW + timedelta(minutes=minute)
        ages.append(received_at - at(time, write_instant(received_at - behind), received_at)[0])
    return ages


@pytest.mark.parametrize("behind", [timedelta(minutes=5), timedelta(hours=5, seconds=2), timedelta(days=20_000)])
def test_a_clock_that_stays_behind_by_the_same_is_corrected_within_some_messages(behind: timedelta):
    ages = heard(StationTime(), behind, [0, 0.5, 1, 1.5, 2])
    assert max(abs(age) for age in ages[2:]) <= timedelta(seconds=2)


def test_messages_from_a_queue_stay_as_old_as_they_are_beside_a_clock_that_is_behind():
    time = StationTime()
    heard(time, timedelta(minutes=10), [0, 1, 2])
    assert at(time, "2026-06-01T08:52:00Z", NOW + timedelta(minutes=2))[0] == NOW - timedelta(hours=2, minutes=58)
    assert heard(time, timedelta(minutes=10), [3]) == [timedelta()]


def test_a_queue_that_is_worked_off_is_no_clock():
    time, deviations = StationTime(), []
    for minute in range(60):  # an hour of samples, one a minute, told within two minutes
        received_at = NOW + timedelta(seconds=2 * minute)
        sampled_at = NOW - timedelta(minutes=90 - minute)
        resolved, _ = time.resolve(write_instant(sampled_at), received_at, deviations)
        assert resolved == sampled_at
    assert deviations == []


def test_a_clock_that_was_behind_and_is_set_is_believed_again():
    time = StationTime()
    heard(time, timedelta(hours=1), [0, 1, 2])
    assert time.ahead == -timedelta(hours=1)
    assert heard(time, timedelta(minutes=3), [3]) == [timedelta()], (
        "it cannot be behind by more than this message is late"
    )
    assert heard(time, timedelta(), [4]) == [timedelta()]
    assert time.ahead == timedelta()


def test_a_resent_start_keeps_its_instant_however_late_it_comes_again():
    time = StationTime()
    for text in ("1970-01-01T00:00:00Z", "2026-06-01T14:00:00Z", "2031-06-01T14:00:10Z", "nonsense"):
        first = time.resolve_start((1, "TAG", 0), text, NOW, [])
        again = time.resolve_start((1, "TAG", 0), text, NOW + timedelta(minutes=30), [])
        assert first == again


def test_instants_are_written_in_utc_with_milliseconds():
    assert write_instant(datetime(2026, 6, 1, 12, 0, 0, 123999, tzinfo=UTC)) == "2026-06-01T12:00:00.123Z"
