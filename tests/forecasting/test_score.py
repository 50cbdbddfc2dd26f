import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.score import FINE_LEVELS, coverage, crps, inside, mean_of, pinball, rmse, score


def test_the_pinball_loss_of_a_level_weighs_misses_by_their_side():
    loss = pinball(np.array([0.9]), np.array([[10.0], [10.0]]), np.array([12.0, 8.0]))
    assert loss[:, 0] == pytest.approx([0.9 * 2, 0.1 * 2])


def test_the_crps_of_a_certain_forecast_is_its_absolute_error():
    certain = np.full((1, 3), 5.0)
    assert crps(np.array([0.1, 0.5, 0.9]), certain, np.array([8.0])) == pytest.approx([3.0])


def test_the_crps_of_a_uniform_forecast_is_the_known_one():
    uniform = FINE_LEVELS[None, :]
    # 1/3 - y + y^2 for y in [0, 1] (Gneiting and Raftery 2007 give the general form)
    assert crps(FINE_LEVELS, uniform, np.array([0.5]))[0] == pytest.approx(1 / 12, abs=0.001)


def test_skill_compares_with_the_baseline_and_coverage_counts():
    quantiles = np.tile(FINE_LEVELS * 10.0, (4, 1))
    actual = np.array([5.0, 5.0, 0.5, 9.5])
    assert mean_of(FINE_LEVELS, quantiles) == pytest.approx([5.0] * 4)
    assert coverage(FINE_LEVELS, quantiles, actual) == 0.5
    made = score(FINE_LEVELS, quantiles, actual, capacity=10.0, baseline_rmse=2 * rmse(np.full(4, 5.0), actual))
    assert made.skill == pytest.approx(0.5)
    assert made.to_dict()["coverage_80"] == 0.5


def test_a_value_that_is_certain_to_some_degree_counts_by_its_part_of_the_band():
    half_zero = np.maximum(FINE_LEVELS - 0.5, 0.0)[None, :]
    assert inside(FINE_LEVELS, half_zero, np.array([0.0])) == pytest.approx([0.4 / 0.5], abs=0.02)
    assert inside(FINE_LEVELS, half_zero, np.array([0.3])) == 1.0
    assert inside(FINE_LEVELS, half_zero, np.array([0.45])) == 0.0


def test_who_is_certain_and_right_holds_as_much_as_a_band_promises():
    certain = np.zeros((1, 99))
    assert coverage(FINE_LEVELS, certain, np.array([0.0])) == pytest.approx(0.8, abs=0.01)
    assert coverage(FINE_LEVELS, certain, np.array([1.0])) == 0.0


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 1.0), st.integers(0, 1000))
def test_a_true_distribution_is_covered_as_promised_however_much_of_it_is_certain(nothing_comes, seed):
    rng = np.random.default_rng(seed)
    true = np.maximum(FINE_LEVELS - nothing_comes, 0.0)
    actual = np.maximum(rng.uniform(0, 1, 20_000) - nothing_comes, 0.0)
    assert coverage(FINE_LEVELS, np.tile(true, (len(actual), 1)), actual) == pytest.approx(0.8, abs=0.02)
