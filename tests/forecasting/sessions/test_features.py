from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, Session, SessionState
from forecasting.series import zone_of
from forecasting.sessions.features import describe, stays_of

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)


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
    stays = stays_of([*past, new], zone_of("UTC"))
    return describe(stays.pick(np.array([len(past)])), stays.pick(np.arange(len(past))))


def test_who_says_the_same_to_the_last_digit_is_taken_for_the_same_driver():
    past = [session(day, 3.0 if day % 4 == 0 else 9.0, 21.84 if day % 4 == 0 else 20.0 + day / 7) for day in range(40)]
    station_h, said, said_both, same_words_h = features(past, session(40, 1.0, 21.84))[-4:]
    assert (said, said_both, same_words_h) == (10.0, 10.0, 3.0)
    assert station_h == 9.0
    assert np.isnan(features(past, session(40, 1.0, 33.333))[-1])


def test_a_station_has_its_own_habits():
    past = [session(day, 2.0 if day % 2 else 10.0, 5.0 + day, station="ab"[day % 2]) for day in range(20)]
    assert features(past, session(20, 1.0, 99.0, station="b"))[-4] == pytest.approx(2.0)
    assert np.isnan(features(past, session(20, 1.0, 99.0, station="c"))[-4])
