import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, NeedSource, Session, SessionState
from forecasting.series import zone_of
from forecasting.sessions.backtest import hindcast_sessions
from forecasting.sessions.features import stays_of
from forecasting.sessions.model import LEARNED, ROLLING, Record, SessionModel, feature_rows, train_sessions
from forecasting.sessions.outlook import SessionOutlook, expect_session, expect_sessions

ZONE = "America/Los_Angeles"
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def made_up(count, seed=1):
    """Drivers who overstate their energy twofold and stay about as long as they say."""
    rng = np.random.default_rng(seed)
    sessions = []
    for k in range(count):
        started_at = BEGIN + timedelta(days=k // 12, hours=float(rng.uniform(14, 24)))
        said_h, energy_kwh = float(rng.uniform(1, 9)), float(rng.uniform(3, 30))
        stay_h = max(0.2, said_h + float(rng.normal(0.5, 0.7)))
        sessions.append(
            session(k, started_at, stay_h, energy_kwh, EnergyNeed(2 * energy_kwh, started_at + timedelta(hours=said_h)))
        )
    return sessions


def session(number, started_at, stay_h, energy_kwh, need=None):
    ended_at = None if stay_h is None else started_at + timedelta(hours=stay_h)
    return Session(
        id=str(number),
        site_id="site",
        connector=ConnectorKey("station", 1),
        transaction_id=str(number),
        started_at=started_at,
        energy_kwh=energy_kwh,
        state=SessionState.CHARGING if ended_at is None else SessionState.ENDED,
        need=need,
        ended_at=ended_at,
    )


@pytest.fixture(scope="module")
def history():
    return made_up(500)


@pytest.fixture(scope="module")
def model(history):
    stays = stays_of(history, zone_of(ZONE))
    return train_sessions(stays, feature_rows(stays, np.arange(len(stays))), int(stays.started_s[400]))


def plugged_in(said_h=4.0, said_kwh=20.0):
    started_at = BEGIN + timedelta(days=45, hours=18)
    return session("new", started_at, None, 0.0, EnergyNeed(said_kwh, started_at + timedelta(hours=said_h)))


def test_a_driver_s_statement_is_believed_as_far_as_statements_deserve_it(history, model):
    outlook = expect_session(history, plugged_in(), ZONE, model)
    assert outlook.energy_kwh[1] == pytest.approx(10.0, abs=3.0)
    assert outlook.stay_h[1] == pytest.approx(4.5, abs=1.0)
    assert outlook.need().source is NeedSource.FORECAST


def test_without_a_model_the_rolling_median_serves_and_says_so(history):
    outlook = expect_session(history, plugged_in(), ZONE)
    assert "rolling median" in outlook.method
    assert outlook.energy_kwh[0] < outlook.energy_kwh[1] < outlook.energy_kwh[2]


def test_without_any_history_there_is_still_a_need(model):
    assert expect_session([], plugged_in(), ZONE, model).need().energy_kwh > 0


def test_sessions_that_end_later_are_not_seen(history, model):
    begun_at = plugged_in().started_at - timedelta(hours=1)
    soon, late = session("late", begun_at, 2.0, 1.0), session("late", begun_at, 20.0, 99.0)
    running = replace(soon, ended_at=None)
    assert (
        expect_session([*history, soon], plugged_in(), ZONE, model)
        == expect_session([*history, late], plugged_in(), ZONE, model)
        == expect_session([*history, running], plugged_in(), ZONE, model)
    )


def test_what_ended_before_each_of_many_open_sessions_is_not_kept_for_all_of_them_at_once():
    ended, begins_at = made_up(2000), BEGIN + timedelta(days=200)
    plugged = [session(f"open {k}", begins_at + timedelta(seconds=k), None, 0.0) for k in range(200)]
    tracemalloc.start()
    try:
        assert len(expect_sessions(ended, plugged, ZONE)) == 200
        most_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most_bytes < 10e6  # 2000 sessions of ten figures, 200 times, are 32 MB


def test_a_stored_model_says_the_same_after_reading_it_back(history, model):
    again = SessionModel.from_text(model.to_text())
    assert expect_session(history, plugged_in(), ZONE, again) == expect_session(history, plugged_in(), ZONE, model)


def test_a_session_that_lasts_is_never_expected_to_have_ended():
    outlook = SessionOutlook(BEGIN, (0.1, 0.5, 0.9), (1.0, 3.0, 6.0), (2.0, 5.0, 20.0), "")
    later = outlook.given(BEGIN + timedelta(hours=4), 7.0)
    assert 4.0 <= later.stay_h[0] < later.stay_h[1] <= 6.0
    assert later.energy_kwh[0] >= 7.0
    overdue = outlook.given(BEGIN + timedelta(hours=9), 30.0)
    assert overdue.stay_h == (9.0, 9.0, 9.0)


def test_the_rolling_median_serves_as_soon_as_it_did_better_lately():
    ended_s = np.arange(60)
    better = Record(np.full(60, 0.5), np.full(60, 1.0), np.full(60, 2.0), ended_s)
    worse = Record(np.full(60, 0.5), np.full(60, 2.0), np.full(60, 1.0), ended_s)
    assert (better.serving(), worse.serving()) == (LEARNED, ROLLING)


def test_on_sessions_it_never_saw_the_served_forecast_beats_the_rolling_median(history):
    stays = stays_of(history, zone_of(ZONE))
    made = hindcast_sessions(stays, int(stays.started_s[300]), refit_days=30)
    for one in made.values():
        served = np.abs(one.quantiles[:, 49] - one.actual).mean()
        assert served < np.abs(one.rolling_median - one.actual).mean()


def test_a_forecast_does_not_change_with_what_happens_after_it(history):
    stays = stays_of(history, zone_of(ZONE))
    split_s = int(stays.started_s[300])
    asked = int(np.flatnonzero(stays.started_s >= split_s)[40])
    now_s = stays.started_s[asked]
    changed = [
        s if s.ended_at.timestamp() <= now_s or k == asked else session(s.id, s.started_at, 30.0, 1.0, s.need)
        for k, s in enumerate(sorted(history, key=lambda s: s.started_at))
    ]
    before = hindcast_sessions(stays, split_s, refit_days=30)["energy_kwh"]
    after = hindcast_sessions(stays_of(changed, zone_of(ZONE)), split_s, refit_days=30)["energy_kwh"]
    assert np.array_equal(before.quantiles[40], after.quantiles[40])
