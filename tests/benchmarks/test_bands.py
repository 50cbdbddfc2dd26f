import numpy as np
import pytest

from tests.benchmarks.bands import bands, standard_error

DAY_S = 86400


def test_the_standard_error_of_days_that_miss_together_is_that_of_the_days():
    whole_days = np.repeat(np.where(np.arange(100) % 5 == 0, 0.0, 1.0), 24)
    epochs_s = 3600 * np.arange(2400)
    assert standard_error(whole_days, epochs_s, "UTC") == pytest.approx(np.sqrt(0.8 * 0.2 / 100))


def test_the_standard_error_of_values_by_themselves_is_the_binomial_one():
    alone = np.where(np.arange(100) % 5 == 0, 0.0, 1.0)
    assert standard_error(alone, DAY_S * np.arange(100), "UTC") == pytest.approx(np.sqrt(0.8 * 0.2 / 100))


def test_months_with_too_little_to_say_are_left_out():
    held = np.concatenate([np.ones(31), np.zeros(10)])
    told = bands(held, DAY_S * np.arange(41), "UTC", 20)
    assert told["coverage_80_months"] == [1.0, 1.0]
    assert bands(held, DAY_S * np.arange(41), "UTC", 99)["coverage_80_months"] == []
