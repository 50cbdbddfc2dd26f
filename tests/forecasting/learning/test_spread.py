import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.learning.spread import AS_SAID, NARROWEST, PACES_PER_DAY, WIDEST, Paced, Spread, ends_loss, widened

levels = st.lists(st.floats(0, 1), min_size=1, max_size=4)


def after(values):
    paced = Paced()
    for value in values:
        paced = paced.met(*[np.atleast_1d(value)] * 2)
    return paced


@given(st.lists(levels, max_size=60))
def test_a_band_is_never_wider_than_everything_and_never_nothing(past):
    spread = after([np.array(together) for together in past]).spread
    assert NARROWEST <= spread.below <= WIDEST
    assert NARROWEST <= spread.above <= WIDEST


def test_a_value_outside_moves_its_end_away_and_the_other_one_nearer():
    low = after([0.01]).spread
    assert low.below > 1.0 > low.above


def test_a_days_values_count_as_one():
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


def test_a_value_that_is_certain_to_some_degree_is_missed_by_the_part_that_lies_outside():
    often_nothing = Paced().met(np.array([0.0]), np.array([0.4]))
    seldom_nothing = Paced().met(np.array([0.0]), np.array([0.1]))
    assert seldom_nothing.spread.below > often_nothing.spread.below > 1.0
    assert Paced().met(np.array([0.0]), np.array([1.0])).spread.below == pytest.approx(1.0)


def test_before_anything_was_seen_bands_are_as_they_say():
    assert Paced().spread == AS_SAID
    assert len(Paced().below) == len(PACES_PER_DAY)
    assert widened(np.array([0.1, 0.9]), AS_SAID) == pytest.approx([0.1, 0.9])


def test_the_loss_of_both_ends_is_least_where_a_tenth_lies_outside_of_each():
    values = np.linspace(0, 1, 1001)
    loss = {
        low: float(ends_loss(np.array([low]), np.array([1 - low]), values[:, None]).mean()) for low in (0.0, 0.1, 0.2)
    }
    assert min(loss, key=lambda low: loss[low]) == 0.1
