from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cpms.domain.errors import InvalidInput
from forecasting.load.peak_backtest import backtest_peak, hindcast_peak

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def power(days):
    """Hours of the day that differ from day to day."""
    rng = np.random.default_rng(2)
    return [
        (BEGIN + timedelta(days=day) + k * QUARTER, level * (1.0 + (32 <= k < 72)))
        for day, level in enumerate(rng.gamma(20, 0.5, days).tolist())
        for k in range(96)
    ]  # fmt: skip


def test_each_whole_months_peak_is_told_at_its_midnights_and_scored_by_the_weeks_left():
    tested = backtest_peak("UTC", power(100), BEGIN + timedelta(days=40))
    assert [one.horizon_h / 168 for one in tested] == [1, 2, 3, 4, 5]
    assert sum(one.score.count for one in tested) == 31
    assert tested[0].score.nrmse < tested[-1].score.nrmse < 0.5
    assert {one.baseline for one in tested} == {"highest of four weeks"}


def test_without_a_whole_month_nothing_is_tested():
    for known, since in ((power(50), BEGIN + timedelta(days=40)), ([], BEGIN), (power(40), BEGIN)):
        with pytest.raises(InvalidInput, match="whole month"):
            backtest_peak("UTC", known, since)


def test_months_may_be_billed_from_other_days_on():
    told = hindcast_peak("UTC", power(100), BEGIN + timedelta(days=32), billing_days=(1, 15))
    begins = {one.issued_at for one in told if (one.issued_at + timedelta(days=one.days_left)).day == one.issued_at.day}
    assert {(at.month, at.day) for at in begins} == {(2, 15), (3, 1)}


def test_nothing_is_known_before_it_was_measured():
    known = power(100)
    since = BEGIN + timedelta(days=40)
    told = hindcast_peak("UTC", known, since)
    later = [(at, kw if at < since + timedelta(days=22) else 7.0 * kw) for at, kw in known]
    same = hindcast_peak("UTC", later, since)
    assert [one.peak_kw for one in told[:2]] == [one.peak_kw for one in same[:2]]
    assert told[-1].peak_kw != same[-1].peak_kw
