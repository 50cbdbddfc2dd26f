"""How sessions share what is scarce, by each principle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpms.domain.need import Fairness
from cpms.domain.plan import ChargingNeed
from cpms.domain.units import Phase
from optimizer import plan
from optimizer.model.topics.fairness import rises
from tests.optimizer.oracle import exceeded_limits
from tests.optimizer.requests import feeder, need, request

LINE = (feeder(4, limit_a=30.0), feeder(4, "one", "root", 20.0), feeder(4, "two", "root", 20.0))


def shares(fairness: Fairness, *needs: ChargingNeed, limit_kw: float = 8.0) -> list[float]:
    """Share of its need that each gets."""
    asked = replace(request(*needs, feeders=(feeder(4, import_kw=limit_kw),)), fairness=fairness)
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert made.bound is not None
    assert made.objective is not None
    assert made.bound <= made.objective
    assert sum(made.cost_by_term.values()) == pytest.approx(made.objective)
    return [1 - s.shortfall_kwh / n.energy_kwh for n, s in zip(asked.needs, made.sessions, strict=True)]


def alike(*kwh: float) -> list[ChargingNeed]:
    return [need(f"n{i}", one, min_current_a=0.0) for i, one in enumerate(kwh)]


def test_a_missing_kwh_counts_for_more_the_less_a_session_has():
    assert all(rise >= 0 for rise in rises())


@pytest.mark.parametrize("fairness", [Fairness.PROPORTIONAL, Fairness.MAX_MIN])
def test_needs_of_different_size_get_the_same_share(fairness: Fairness):
    got = shares(fairness, *alike(30.0, 15.0, 8.0))
    assert max(got) - min(got) < 0.13  # an eighth at most
    assert sum(g * n for g, n in zip(got, (30, 15, 8), strict=True)) == pytest.approx(32.0, abs=0.3)


def test_max_min_makes_the_least_share_as_large_as_it_can_be():
    assert min(shares(Fairness.MAX_MIN, *alike(30.0, 15.0, 8.0))) == pytest.approx(32 / 53, abs=0.01)


def test_who_cannot_be_served_holds_nobody_back():
    gone = need("gone", 10.0, -1.0)
    assert shares(Fairness.MAX_MIN, gone, *alike(20.0, 20.0))[1:] == pytest.approx([0.8, 0.8], abs=0.02)


@pytest.mark.parametrize("fairness", list(Fairness))
def test_a_higher_priority_is_full_before_others_are_treated_fairly(fairness: Fairness):
    low, high = alike(20.0, 20.0)
    got = shares(fairness, low, replace(high, priority=1))
    assert got == pytest.approx([0.6, 1.0], abs=0.02)


def test_where_everybody_can_be_served_principles_do_not_matter():
    both = [shares(fairness, *alike(10.0, 5.0), limit_kw=20.0) for fairness in Fairness]
    assert both == [pytest.approx([1.0, 1.0])] * 3


def test_one_phase_in_the_way_of_three_is_shared_by_principle():
    long = need("long", 40.0, feeder_id="one", min_current_a=0.0)
    short = need("short", 14.0, feeder_id="two", phases=(Phase.L1,), min_current_a=0.0)
    asked = request(long, short, feeders=(feeder(4, limit_a=16.0), *LINE[1:]))
    most, least = (plan(replace(asked, fairness=one)) for one in (Fairness.HALF_FIRST, Fairness.MAX_MIN))
    worst = [
        max(s.shortfall_kwh / n.energy_kwh for n, s in zip(asked.needs, made.sessions, strict=True))
        for made in (most, least)
    ]
    assert worst[1] <= worst[0] + 1e-6
