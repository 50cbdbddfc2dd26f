"""What a plan says about itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpms.domain.plan import DemandPrice, PlanStatus
from optimizer import explain, plan
from optimizer.questions.what_if import more_grid, what_if
from optimizer.report.reasons import reasons
from tests.optimizer.requests import feeder, need, request

SCARCE = request(need("low", 20.0), need("high", 20.0, priority=1), feeders=(feeder(4, import_kw=6.0),))


def test_an_explanation_has_limits_costs_priorities_and_one_more_kilowatt():
    made = plan(SCARCE)
    seen = explain(SCARCE, made)
    assert seen.binding == made.binding
    assert seen.cost_by_term == made.cost_by_term
    assert [price.session_id for price in seen.priorities] == ["high"]
    assert seen.one_more_kw is not None
    assert seen.one_more_kw.saving == pytest.approx(what_if(SCARCE, made, more_grid(1.0)).saving)


def test_a_plan_is_compared_with_charging_by_rule():
    price = (0.5, 0.5, 0.1, 0.1)
    asked = replace(
        request(need("a", 10.0), need("b", 10.0), price=price),
        demand=(DemandPrice(10.0, 0.0, (True,) * 4, window_s=3600),),
    )
    seen = explain(asked, plan(asked))
    assert seen.by_rule.status is PlanStatus.FALLBACK
    assert seen.saving_against_rule > 0
    assert seen.served_more_kwh == pytest.approx(0.0, abs=0.1)
    assert f"takes {seen.saving_against_rule:.2f} off the bill" in "\n".join(reasons(asked, seen.made, seen))


def test_a_plan_without_certificate_has_no_counterfactual():
    asked = replace(SCARCE, time_limit_s=1e-9)
    assert explain(asked, plan(asked)).one_more_kw is None
