from datetime import UTC, datetime, timedelta

import pytest

from cpms.domain.identity import ConnectorKey
from cpms.domain.session import NeedSource, Session, SessionState
from forecasting.sessions.medians import expect_need

ZONE = "America/Los_Angeles"
NOW = datetime(2026, 6, 15, 16, tzinfo=UTC)  # nine in the morning


def session(number, started_at, stay_h, energy_kwh, id_tag=None, ended=True):
    return Session(
        id=str(number),
        site_id="site",
        connector=ConnectorKey("station", 1),
        transaction_id=str(number),
        started_at=started_at,
        id_tag=id_tag,
        energy_kwh=energy_kwh,
        state=SessionState.ENDED if ended else SessionState.CHARGING,
        ended_at=started_at + timedelta(hours=stay_h) if ended else None,
    )


def mornings(count, stay_h, energy_kwh, id_tag=None):
    return [session(k, NOW - timedelta(days=k + 1), stay_h, energy_kwh, id_tag) for k in range(count)]


def stay_h(need, started_at=NOW):
    return (need.departs_at - started_at).total_seconds() / 3600


def test_without_history_the_defaults_speak_and_say_so():
    need = expect_need([], NOW, None, ZONE, default_energy_kwh=12.0, default_stay_h=3.0)
    assert (need.energy_kwh, stay_h(need), need.source) == (12.0, 3.0, NeedSource.FORECAST)


def test_morning_arrivals_are_compared_with_mornings():
    evenings = [session(100 + k, NOW - timedelta(days=k + 1, hours=-10), 1.5, 30.0) for k in range(20)]
    need = expect_need(mornings(20, 8.0, 9.0) + evenings, NOW, None, ZONE)
    assert (stay_h(need), need.energy_kwh) == (8.0, 9.0)


def test_a_driver_s_own_habit_counts_more_the_better_it_is_known():
    others = mornings(20, 8.0, 9.0, "others")
    once = expect_need(others + mornings(1, 2.0, 25.0, "ann"), NOW, "ann", ZONE)
    often = expect_need(others + mornings(12, 2.0, 25.0, "ann"), NOW, "ann", ZONE)
    assert 2.0 < stay_h(often) < stay_h(once) < 8.0
    assert 9.0 < once.energy_kwh < often.energy_kwh < 25.0


def test_sessions_that_are_still_running_or_end_later_are_not_seen():
    running = session(1, NOW - timedelta(hours=5), 0.0, 80.0, ended=False)
    future = session(2, NOW - timedelta(hours=1), 9.0, 80.0)
    assert expect_need([running, future], NOW, None, ZONE) == expect_need([], NOW, None, ZONE)


def test_the_local_hour_counts_across_the_change_of_the_clock():
    winter_start = datetime(2026, 11, 2, 17, tzinfo=UTC)  # nine again, now eight hours behind
    summer = [session(k, datetime(2026, 10, 20, 16, tzinfo=UTC) - timedelta(days=k), 8.0, 9.0) for k in range(6)]
    an_hour_later = [session(50 + k, s.started_at + timedelta(hours=2), 1.0, 1.0) for k, s in enumerate(summer)]
    assert stay_h(expect_need(summer + an_hour_later, winter_start, None, ZONE), winter_start) == pytest.approx(8.0)
