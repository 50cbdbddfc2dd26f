from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cpms.domain.forecast import ForecastQuantity
from cpms.domain.forecast_record import ForecastPoint
from forecasting.learning.scoring import by_time, score_points

NOW = datetime(2026, 6, 15, tzinfo=UTC)
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
NEAR = (4.0, 4.2, 4.6, 5.0, 5.4, 5.8, 6.0)
FAR = (0.0, 0.5, 1.0, 2.0, 3.0, 3.5, 4.0)


def points(count=100, values=NEAR, floor=FAR, horizon_s=3600, version=1):
    starts = [NOW - timedelta(hours=n + 1) for n in range(count)]
    return [
        ForecastPoint(
            "s", ForecastQuantity.SOLAR_KW, at - timedelta(seconds=horizon_s), at, horizon_s, LEVELS, values, floor, version
        )
        for at in starts
    ]  # fmt: skip


def came(found, kw=5.0):
    return {point.valid_at: kw + 0.5 * ((n % 5) - 2) for n, point in enumerate(found)}


def test_each_horizon_is_scored_against_what_came_and_against_the_simple_forecast():
    found = points() + points(horizon_s=86400, values=FAR)
    near, far = score_points(found, by_time(came(points())), NOW)
    assert (near.horizon_s, far.horizon_s, near.count) == (3600, 86400, 100)
    assert near.skill > 0.5
    assert far.skill == pytest.approx(0.0)
    assert near.crps < near.floor_crps == pytest.approx(far.crps)
    assert near.mean_error == pytest.approx(0.0, abs=0.05)
    assert near.width_80 == pytest.approx(1.6)
    assert near.coverage_80 == pytest.approx(0.6)
    assert near.nrmse == pytest.approx(near.rmse / 6.0)


def test_what_is_not_over_yet_or_was_not_measured_is_not_scored():
    found = points()
    assert score_points(found, by_time({}), NOW) == []
    (scored,) = score_points(found, by_time(dict(list(came(found).items())[:30])), NOW)
    assert scored.count == 30


def test_dark_hours_that_everybody_calls_dark_do_not_count():
    dark = points(values=(0.0,) * 7, floor=(0.0,) * 7)
    assert score_points(dark, by_time(came(dark, 0.0) | {p.valid_at: 0.0 for p in dark}), NOW) == []


def test_a_session_is_judged_by_its_own_outcome():
    found = [replace(p, session_id=str(n), quantity=ForecastQuantity.STAY_H) for n, p in enumerate(points())]
    (scored,) = score_points(found, by_time({str(n): 5.0 for n in range(60)}), NOW)
    assert scored.count == 60
    assert scored.quantity is ForecastQuantity.STAY_H


def test_a_model_that_lost_to_the_simple_forecast_for_a_week_has_drifted():
    found = points(values=FAR, floor=NEAR)
    (scored,) = score_points(found, by_time(came(found)), NOW)
    assert "worse than the simple forecast" in scored.note


def test_bands_that_hold_too_little_have_drifted():
    narrow = (4.9, 4.9, 4.95, 5.0, 5.05, 5.1, 5.1)
    found = points(values=narrow, floor=FAR)
    (scored,) = score_points(found, by_time(came(found)), NOW)
    assert "held 20%" in scored.note


def test_the_simple_forecast_and_models_that_are_right_do_not_drift():
    wide = (3.0, 3.9, 4.6, 5.0, 5.4, 6.1, 7.0)
    alternating = points(values=wide)
    outcomes = {p.valid_at: kw for p, kw in zip(alternating, [5.0, 4.5, 5.5, 5.1, 7.5] * 20, strict=True)}
    assert [s.note for s in score_points(alternating, by_time(outcomes), NOW)] == [""]
    simple = points(values=FAR, floor=NEAR, version=0)
    assert [s.note for s in score_points(simple, by_time(came(simple)), NOW)] == [""]
