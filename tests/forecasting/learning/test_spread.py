import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.learning.spread import AS_SAID, NARROWEST, PACES_PER_DAY, WIDEST, Paced, Spread, ends_loss, widened

levels = st.lists(st.floats(0, 1), min_size=1, max_size=4)


def after(values, value_days=1.0):
    paced = Paced(value_days)
    for value in values:
        paced = paced.met(np.atleast_1d(value))
    return paced


@given(st.lists(levels, max_size=60), st.floats(0, 10))
def test_a_band_is_never_wider_than_everything_and_never_nothing(past, value_days):
    spread = after([np.array(together) for together in past], value_days).spread
    assert NARROWEST <= spread.below <= WIDEST
    assert NARROWEST <= spread.above <= WIDEST


def test_a_value_outside_moves_its_end_away_and_the_other_one_nearer():
    low = after([0.01]).spread
    assert low.below > 1.0 > low.above


def test_a_value_moves_the_further_the_longer_it_tells_of():
    assert after([0.01], 0.1).spread.below < after([0.01], 1.0).spread.below


def test_values_that_come_true_together_count_as_one():
    assert after([np.full(24, 0.01)]).spread == after([0.01]).spread


def test_a_calm_world_is_followed_slowly_and_a_changed_one_fast():
    calm = np.random.default_rng(1).uniform(0, 1, 2000)
    quiet, closed = after(calm), after([*calm[:50], *np.full(60, 0.99)])
    assert np.argmin(quiet.lost) < np.argmin(closed.lost)
    assert quiet.spread.above < quiet.above.max()
    assert closed.spread.above == pytest.approx(WIDEST, rel=0.1)


def test_of_paces_that_lost_about_the_same_the_fastest_serves():
    paced = after(np.random.default_rng(2).uniform(0, 1, 8))
    mean = paced.lost / paced.count
    error = np.sqrt((paced.squared / paced.count - mean**2) / paced.count)
    best = int(np.argmin(mean))
    alike = np.flatnonzero(mean <= mean[best] + error[best])
    assert paced.spread == Spread(float(paced.below[alike[-1]]), float(paced.above[alike[-1]]))


def test_before_anything_was_seen_bands_are_as_they_say():
    assert Paced(1.0).spread == AS_SAID
    assert len(Paced(1.0).below) == len(PACES_PER_DAY)
    assert widened(np.array([0.1, 0.9]), AS_SAID) == pytest.approx([0.1, 0.9])


def test_the_loss_of_both_ends_is_least_where_a_tenth_lies_outside_of_each():
    values = np.linspace(0, 1, 1001)
    loss = {
        low: float(ends_loss(np.array([low]), np.array([1 - low]), values[:, None]).mean()) for low in (0.0, 0.1, 0.2)
    }
    assert min(loss, key=lambda low: loss[low]) == 0.1
