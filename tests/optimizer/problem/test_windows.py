"""Demand windows lie where the meter counts them."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from cpms.domain.plan import DemandPrice
from cpms.domain.time import Interval
from optimizer.problem.windows import demand_windows
from tests.optimizer.requests import NOW, steps


def price(count: int, window_s: int = 900, peak_so_far_kw: float = 0.0) -> DemandPrice:
    return DemandPrice(10.0, peak_so_far_kw, (True,) * count, window_s)


def test_fine_steps_share_a_window_by_their_length():
    windows = demand_windows(price(6), steps(6, 5))
    assert windows.weight == pytest.approx(np.array([[1 / 3] * 3 + [0] * 3, [0] * 3 + [1 / 3] * 3]), abs=1e-8)
    assert windows.peak_kw(np.array([9.0, 0, 0, 1, 1, 1])) == pytest.approx(3.0)


def test_a_coarse_step_stands_for_all_windows_in_it():
    assert demand_windows(price(2), steps(2, 60)).weight.tolist() == [[1, 0], [0, 1]]


def test_a_step_over_a_boundary_counts_in_both_windows():
    edges = [NOW + timedelta(minutes=m) for m in (0, 10, 20, 30)]
    three = [Interval(a, b) for a, b in pairwise(edges)]
    expected = np.array([[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])
    assert demand_windows(price(3), three).weight == pytest.approx(expected, abs=1e-8)


def test_steps_that_do_not_count_have_no_window():
    only_first = DemandPrice(10.0, 2.0, (True, False), 3600)
    windows = demand_windows(only_first, steps(2))
    assert windows.weight.tolist() == [[1.0, 0.0]]
    assert windows.peak_kw(np.array([1.0, 50.0])) == 2.0
