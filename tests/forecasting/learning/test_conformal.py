import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.learning.conformal import corrected_levels, lessons, meetings, pool, positions, settled, with_tails
from forecasting.quantiles import at_levels
from forecasting.score import FINE_LEVELS, coverage, inside

NOTHING = np.zeros(0)


def too_narrow(rows, seed):
    """Quantiles of a normal distribution half as wide as what comes."""
    rng = np.random.default_rng(seed)
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    quantiles = np.tile(0.5 * np.array([-1.645, -0.674, 0.0, 0.674, 1.645]), (rows, 1))
    levels, quantiles = with_tails(levels, quantiles, -10.0, 10.0)
    return levels, quantiles, rng.normal(0.0, 1.0, rows)


def test_a_band_that_held_too_little_is_widened_until_it_holds_what_it_promises():
    levels, quantiles, past = too_narrow(3000, 1)
    _, _, coming = too_narrow(3000, 2)
    asked = corrected_levels(FINE_LEVELS, pool(positions(levels, quantiles, past), NOTHING))
    raw = coverage(levels, quantiles, coming, 0.6)
    held = coverage(FINE_LEVELS, at_levels(levels, quantiles, asked), coming, 0.6)
    assert raw < 0.4
    assert held == pytest.approx(0.6, abs=0.03)


def test_a_short_past_corrects_nothing():
    assert corrected_levels(FINE_LEVELS, pool(np.full(10, 0.99), NOTHING)) is FINE_LEVELS


def test_days_that_fell_outside_spread_the_levels():
    past = pool(np.linspace(0, 1, 500), NOTHING)
    calm, missed = (corrected_levels(np.array([0.1, 0.9]), past, covered) for covered in (0.8, 0.5))
    assert missed[0] < calm[0] < calm[1] < missed[1]


def test_held_out_positions_count_until_there_are_recent_ones():
    low, high = np.full(500, 0.1), np.full(50, 0.9)
    middle_early = corrected_levels(np.array([0.5]), pool(high, low))[0]
    middle_late = corrected_levels(np.array([0.5]), pool(np.full(5000, 0.9), low))[0]
    assert middle_early < 0.2
    assert middle_late > 0.8


@given(st.lists(st.floats(0, 1), max_size=200), st.floats(0, 1))
def test_levels_never_cross_and_never_leave_0_to_1(past, covered):
    asked = corrected_levels(FINE_LEVELS, pool(np.array(past), NOTHING), covered)
    assert (np.diff(asked) >= 0).all()
    assert asked[0] >= 0.0
    assert asked[-1] <= 1.0


def test_values_on_a_flat_piece_are_spread_evenly_over_its_levels():
    levels = np.array([0.0, 0.4, 0.6, 1.0])
    flat = np.tile([0.0, 2.0, 2.0, 4.0], (100, 1))
    where = positions(levels, flat, np.full(100, 2.0))
    assert where.min() >= 0.4
    assert where.max() <= 0.6
    assert where.mean() == pytest.approx(0.5, abs=0.01)


def idle_or_not(rows, seed, idle_told, idle):
    """Forecasts that a load is 0 with chances around `idle_told`, else anything up to 1, of which `idle` are 0."""
    rng = np.random.default_rng(seed)
    levels = np.linspace(0.0, 1.0, 101)
    zero = np.clip(idle_told + rng.uniform(-0.15, 0.15, rows), 0.0, 1.0)[:, None]
    quantiles = np.maximum(levels - zero, 0.0) / (1.0 - zero)
    return levels, quantiles, np.where(rng.random(rows) < idle, 0.0, rng.uniform(0.0, 1.0, rows))


@pytest.mark.parametrize(("told", "idle"), [(0.2, 0.5), (0.5, 0.2), (0.15, 0.4)])
def test_what_is_idle_more_or_less_often_than_told_is_missed_as_often_as_it_may(told, idle):
    levels, quantiles, past = idle_or_not(4000, 5, told, idle)
    asked = corrected_levels(FINE_LEVELS, pool(settled(meetings(levels, quantiles, past), NOTHING), NOTHING))
    levels, quantiles, coming = idle_or_not(4000, 6, told, idle)
    assert inside(FINE_LEVELS, at_levels(levels, quantiles, asked), coming).mean() == pytest.approx(0.8, abs=0.025)


def test_values_below_all_that_was_told_become_as_certain_as_they_are_and_widen_bands_when_they_exceed_that():
    rng = np.random.default_rng(7)
    where = np.where(rng.random(1000) < 0.15, 0.0, rng.uniform(0.0, 1.0, 1000))
    calm = lessons((where, where), NOTHING, np.arange(1000) // 10)
    stopped = np.where(rng.random(1000) < 0.4, 0.0, where)
    more = lessons((np.concatenate([where, stopped]),) * 2, NOTHING, np.arange(2000) // 10)
    assert calm.spread.below == pytest.approx(1.0, abs=0.15)
    assert more.spread.below > calm.spread.below


def share_inside(values, per_day):
    """Share of `values` (positions), so many a day, inside the band of their day, after the first hundred."""
    days = np.arange(len(values)) // per_day
    inside = []
    for k in range(100, len(values)):
        known = np.flatnonzero(days < days[k])[-150:]
        past = lessons((values[known], values[known]), np.linspace(0, 1, 101), days[known])
        low, high = corrected_levels(np.array([0.1, 0.9]), past)
        inside.append(low <= values[k] <= high)
    return np.mean(inside)


def test_bands_keep_their_promise_when_the_world_changes():
    rng = np.random.default_rng(3)
    calm, wild = 0.5 + rng.uniform(-0.2, 0.2, 400), np.where(rng.random(400) < 0.5, rng.beta(0.3, 0.3, 400), 0.5)
    assert share_inside(np.concatenate([calm, wild]), 4) == pytest.approx(0.8, abs=0.04)


def test_neither_side_loses_more_than_its_part_when_everybody_leaves_earlier_than_ever():
    rng = np.random.default_rng(4)
    values = np.concatenate([rng.uniform(0, 1, 200), rng.beta(1.0, 4.0, 300)])
    below = above = 0
    for k in range(250, 500):
        lately = values[k - 150 : k]
        past = lessons((lately, lately), np.linspace(0, 1, 101), np.arange(150) // 2)
        low, high = corrected_levels(np.array([0.1, 0.9]), past)
        below, above = below + (values[k] < low), above + (values[k] > high)
    assert below / 250 == pytest.approx(0.1, abs=0.04)
    assert above / 250 <= 0.1
