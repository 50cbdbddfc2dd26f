"""What a view saves is told with its spread."""

from __future__ import annotations

import pytest

from cpms.domain.errors import InvalidInput
from tests.benchmarks.rolling.compare import saved_pct


def test_savings_are_paired_by_week_and_carry_their_standard_error():
    assert saved_pct([100.0, 200.0], [90.0, 196.0]) == {"mean": 6.0, "standard_error": 4.0, "weeks_better": 2}


def test_weeks_that_differ_from_each_other_do_not_blur_what_is_the_same_in_all():
    assert saved_pct([10.0, 1000.0, 100.0], [9.0, 900.0, 90.0])["standard_error"] == 0.0


def test_one_week_has_no_spread():
    with pytest.raises(InvalidInput, match="at least 2"):
        saved_pct([1.0], [1.0])
