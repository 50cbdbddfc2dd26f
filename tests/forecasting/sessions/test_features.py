from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, Session, SessionState
from forecasting.series import zone_of
from forecasting.sessions.features import describe, stays_of

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
BERLIN = zone_of("Europe/Berlin")
SAME_PLACE_OR_WORDS, BUSTLE = slice(-7, -3), slice(-3, None)


def session(day, stay_h, said_kwh, said_h=8.0, station="a"):
    started_at = BEGIN + timedelta(days=day)
    return Session(
        id=f"{day}",
        site_id="site",
        connector=ConnectorKey(station, 1),
        transaction_id=f"{day}",
        started_at=started_at,
        energy_kwh=10.0,
        state=SessionState.ENDED,
        need=EnergyNeed(said_kwh, started_at + timedelta(hours=said_h)),
        ended_at=started_at + timedelta(hours=stay_h),
    )


def features(past, new):
    return describe(stays_of([*past, new], zone_of("UTC")), len(past))


def test_who_says_the_same_to_the_last_digit_is_taken_for_the_same_driver():
    past = [session(day, 3.0 if day % 4 == 0 else 9.0, 21.84 if day % 4 == 0 else 20.0 + day / 7) for day in range(40)]
    station_h, said, said_both, same_words_h = features(past, session(40, 1.0, 21.84))[SAME_PLACE_OR_WORDS]
    assert (said, said_both, same_words_h) == (10.0, 10.0, 3.0)
    assert station_h == 9.0
    assert np.isnan(features(past, session(40, 1.0, 33.333))[SAME_PLACE_OR_WORDS][-1])


def test_a_station_has_its_own_habits():
    past = [session(day, 2.0 if day % 2 else 10.0, 5.0 + day, station="ab"[day % 2]) for day in range(20)]
    assert features(past, session(20, 1.0, 99.0, station="b"))[SAME_PLACE_OR_WORDS][0] == pytest.approx(2.0)
    assert np.isnan(features(past, session(20, 1.0, 99.0, station="c"))[SAME_PLACE_OR_WORDS][0])


def test_a_site_at_rest_is_told_from_a_busy_one():
    hour = 1 / 24
    yesterday = [session(day, 2.0, 5.0 + day) for day in (-1.5, -1.0, -0.5)]
    today = [session(-3 * hour, 1.0, 7.0), session(-2 * hour, 9.0, 8.0), session(-hour, 9.0, 9.0)]
    came, since_midnight, there = features([*yesterday, *today], session(0, 1.0, 10.0))[BUSTLE]
    assert (came, since_midnight, there) == (4.0, 3.0, 2.0)


@pytest.mark.parametrize("ends_after_h", [0.0, 0.5])
def test_how_a_session_goes_on_says_nothing_about_its_own_beginning(ends_after_h):
    past = [session(day, 3.0, 20.0) for day in range(20)]
    soon, late = (features(past, session(20, stay_h, 20.0)) for stay_h in (ends_after_h, 30.0))
    np.testing.assert_array_equal(soon, late)


def test_what_ends_later_in_the_second_in_which_another_begins_is_not_over_by_then():
    past, moment = [session(day, 3.0, 20.0) for day in range(20)], 0.3 / 3600
    soon, late = (
        features([*past, session(20 - 1 / 24, 1.0 + ends_h, 20.0)], session(20, 1.0, 20.0)) for ends_h in (moment, 5.0)
    )
    np.testing.assert_array_equal(soon, late)


def test_who_stated_to_need_nothing_kept_that_by_no_ratio():
    past = [session(day, 3.0, 0.0) for day in range(20)]
    row = features(past, session(20, 1.0, 0.0))
    assert not np.isinf(row).any()


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=BERLIN), datetime(2026, 10, 25, tzinfo=BERLIN)])
def test_who_came_since_midnight_is_told_on_days_on_which_clocks_change_too(day):
    minute = timedelta(minutes=1)
    begins = [day.astimezone(UTC) - minute, day, day + minute, day.replace(hour=11)]
    stays = stays_of([session((at - BEGIN) / timedelta(days=1), 0.5, 5.0) for at in begins], BERLIN)
    came, since_midnight, _ = describe(stays, 3)[BUSTLE]
    assert (came, since_midnight) == (3.0, 2.0)
