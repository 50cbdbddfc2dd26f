"""What a session's priority brings it, costs others, and adds to the bill."""

from __future__ import annotations

import pytest

from cpms.domain.plan import DemandPrice
from optimizer import plan
from optimizer.questions.priorities import PriorityPrice, like_everybody, paid, priority_prices
from optimizer.report.reasons import describe_priorities
from tests.optimizer.requests import feeder, need, request


def test_what_a_priority_brings_is_what_others_lose_where_energy_is_scarce():
    needs = (need("low", 20.0, min_current_a=0.0), need("high", 20.0, min_current_a=0.0, priority=2))
    asked = request(*needs, feeders=(feeder(4, import_kw=6.0),))
    (price,) = priority_prices(asked, plan(asked))
    assert price.session_id == "high"
    assert price.gained_kwh > 5.0
    assert price.lost_kwh == {"low": pytest.approx(price.gained_kwh, abs=0.3)}
    assert price.added_cost == pytest.approx(0.0, abs=0.05)


def test_where_there_is_enough_a_priority_costs_nobody_anything():
    asked = request(need("low", 5.0), need("high", 5.0, priority=1))
    (line,) = describe_priorities(priority_prices(asked, plan(asked)))
    assert "nobody loses anything" in line


def test_where_there_is_enough_no_priority_would_have_changed_the_plan():
    paid_peak = DemandPrice(10.0, 0.0, (True,) * 4, window_s=3600)
    needs = (need("low", 15.0), need("high", 12.0, priority=1), need("top", 9.0, hours=2, priority=2))
    asked = request(*needs, price=(0.3, 0.1, 0.2, 0.4), demand=(paid_peak,))
    made = plan(asked)
    for price in priority_prices(asked, made):
        changed = plan(like_everybody(price.session_id)(asked))
        assert (price.gained_kwh, price.lost_kwh, price.added_cost) == (0.0, {}, 0.0)
        assert paid(made) == pytest.approx(paid(changed), rel=2e-3)
        assert all(session.shortfall_kwh < 0.05 for session in changed.sessions)


def test_preferences_are_not_paid():
    made = plan(request(need(energy_kwh=10.0)))
    assert paid(made) == pytest.approx(made.cost_by_term["energy"] + made.cost_by_term["demand"])


def test_everybody_alike_has_no_price():
    asked = request(need("a", priority=3), need("b", priority=3))
    assert list(priority_prices(asked, plan(asked))) == []
    assert list(priority_prices(request(), plan(request()))) == []


@pytest.mark.parametrize(
    ("added_cost", "words"),
    [(0.42, "adds 0.42 to the bill"), (-0.42, "takes 0.42 off the bill"), (-0.001, "adds 0.00 to the bill")],
)
def test_the_bill_is_told_in_words_and_never_added_to_by_less_than_nothing(added_cost: float, words: str):
    (line,) = describe_priorities(iter([PriorityPrice("a", 1.0, {}, added_cost)]))
    assert words in line
