from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.time import Interval
from forecasting.prices.carbon import MOST_G_PER_KWH, CarbonInterval
from forecasting.prices.carbon_bands import (
    LEADS_S,
    MIN_ERRORS,
    carbon_points,
    forecast_carbon,
    lead_record,
    review_carbon,
)

NOW = datetime(2026, 6, 15, 12, 10, tzinfo=UTC)
HALF = timedelta(minutes=30)
LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)


def told(issued_at=NOW, grams=lambda at: 200.0, count=96):
    first = issued_at.replace(minute=issued_at.minute // 30 * 30)
    edges = [first + n * HALF for n in range(count + 1)]
    return tuple(CarbonInterval(Interval(a, a + HALF), grams(a)) for a in edges[:-1])


def past(days, error, bias=0.0):
    """Statements of every half hour, and what came: off by more the further ahead it was told."""
    rng = np.random.default_rng(1)
    came = {one.interval.starts_at: 200.0 for one in told(NOW - timedelta(days=days), count=48 * days)}
    points = []
    for at in came:

        def grams(when, at=at):
            ahead_h = max((when - at) / timedelta(hours=1), 0.0)
            return 200.0 - bias + float(rng.normal(0, 1)) * error * (1 + ahead_h) ** 0.5

        words = told(at, grams)
        points += carbon_points(forecast_carbon("office", words, at), words)
    return points, came


def test_without_a_record_only_what_was_told_is_said():
    forecast = forecast_carbon("office", told(), NOW, LEVELS)
    assert forecast.levels == (0.5,)
    assert forecast.values[0] == (200.0,)


def test_bands_are_as_wide_as_words_so_long_before_were_wrong_and_correct_their_bias():
    points, came = past(8, 5.0, bias=20.0)
    record = review_carbon(points, came)
    assert [one.lead_s for one in record] == list(LEADS_S)
    forecast = forecast_carbon("office", told(), NOW, LEVELS, record)
    widths = np.subtract(forecast.quantile(0.9), forecast.quantile(0.1))
    assert widths[0] == pytest.approx(2 * 1.28 * 5.0, rel=0.3)
    assert widths[-1] > 3 * widths[0]
    assert forecast.quantile(0.5)[0] == pytest.approx(220.0, abs=3.0)


def test_what_nobody_was_told_or_nobody_knows_yet_teaches_nothing():
    points, came = past(8, 5.0)
    assert review_carbon(points, {}) == ()
    assert review_carbon([], came) == ()
    assert review_carbon(points[: MIN_ERRORS - 1], came) == ()


def test_a_lead_of_which_too_little_is_known_counts_as_the_nearest_before_it():
    points, came = past(8, 5.0)
    record = review_carbon([point for point in points if point.horizon_s <= LEADS_S[1]], came)
    forecast = forecast_carbon("office", told(), NOW, LEVELS, record)
    assert len({round(row[-1] - row[0], 6) for row in forecast.values[4:]}) == 1


def test_an_operator_that_becomes_unreliable_gets_wider_bands_within_days():
    rng, days = np.random.default_rng(3), np.repeat(np.arange(28), 48)
    calm = rng.normal(0, 5, len(days))
    wild = np.where(days >= 24, 6 * calm, calm)
    levels = np.array([0.1, 0.9])
    widths = [np.ptp(lead_record(0, errors, days).at(levels)) for errors in (calm, wild)]
    assert widths[1] > 1.4 * widths[0]


def test_points_are_kept_beside_the_operators_own_words():
    words = told(grams=lambda at: float(at.hour))
    points = carbon_points(forecast_carbon("office", words, NOW), words)
    assert [point.horizon_s for point in points] == list(LEADS_S)
    assert points[1].valid_at == datetime(2026, 6, 15, 13, tzinfo=UTC)
    assert points[1].floor_values == (13.0,)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-500, 500), min_size=MIN_ERRORS, max_size=120), st.floats(0, MOST_G_PER_KWH))
def test_quantiles_ascend_and_stay_possible(errors, grams):
    record = lead_record(0, np.array(errors), np.arange(len(errors)) // 10)
    for row in forecast_carbon("office", told(grams=lambda _: grams, count=3), NOW, LEVELS, (record,)).values:
        assert list(row) == sorted(row)
        assert row[0] >= 0.0
        assert row[-1] <= MOST_G_PER_KWH
