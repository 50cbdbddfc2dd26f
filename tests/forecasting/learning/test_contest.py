from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cpms.domain.forecast import ForecastQuantity
from forecasting.learning.contest import CONTEST_LEVELS, HELD_OUT, compete
from forecasting.quantiles import to_forecast

NOW = datetime(2026, 6, 15, tzinfo=UTC)
MEASURED = [(NOW - timedelta(minutes=15) * n - timedelta(minutes=7.5), float(n % 7)) for n in range(60 * 96)][::-1]


def always(value_kw):
    def issue(known, intervals, at):
        rows = np.full((len(intervals), len(CONTEST_LEVELS)), value_kw)
        return to_forecast("s", ForecastQuantity.SOLAR_KW, at, intervals, CONTEST_LEVELS, rows, "always")

    return issue


def test_the_contender_nearer_to_what_came_loses_less():
    found = compete({"near": always(3.0), "far": always(30.0)}, MEASURED, timedelta(days=2), NOW)
    assert found["near"].crps < found["far"].crps
    assert found["near"].count == found["far"].count > 500


def test_nobody_sees_what_came_after_an_issue_or_before_its_window():
    seen = []

    def issue(known, intervals, at):
        assert all(at - timedelta(days=2) <= instant < at for instant, _ in known)
        assert all(interval.starts_at >= at for interval in intervals)
        seen.append(at)
        return always(1.0)(known, intervals, at)

    compete({"one": issue}, MEASURED, timedelta(days=2), NOW)
    assert min(seen) == NOW - HELD_OUT
    assert {at.hour for at in seen} == set(range(24))


def test_dark_hours_that_everybody_calls_dark_do_not_count():
    dark = [(instant, 0.0) for instant, _ in MEASURED]
    found = compete({"one": always(0.0), "two": always(0.0)}, dark, timedelta(days=2), NOW)
    assert found["one"].count == 0
    assert np.isnan(found["one"].crps)


def test_without_measurements_nothing_is_scored():
    assert compete({"one": always(1.0)}, [], timedelta(days=2), NOW)["one"].count == 0


@pytest.mark.parametrize("value_kw", [0.0, 3.0])
def test_a_deterministic_forecast_loses_its_absolute_error(value_kw):
    flat = [(instant, 5.0) for instant, _ in MEASURED]
    found = compete({"one": always(value_kw)}, flat, timedelta(days=2), NOW)
    assert found["one"].crps == pytest.approx(5.0 - value_kw)
