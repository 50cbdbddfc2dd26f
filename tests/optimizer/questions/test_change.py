"""What may be different in a question."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.need import EnergyTarget
from optimizer import plan, what_if
from optimizer.questions.change import Difference, NeedChange
from tests.optimizer.requests import NOW, feeder, need, request

SCARCE = request(need("low", 20.0), need("high", 20.0, priority=1), feeders=(feeder(4, import_kw=6.0),))


def test_more_grid_serves_more_and_less_grid_serves_less():
    made = plan(SCARCE)
    more = what_if(SCARCE, made, Difference(more_grid_kw=2.0)).shortfall_change_kwh
    less = what_if(SCARCE, made, Difference(more_grid_kw=-2.0)).shortfall_change_kwh
    assert sum(more.values()) < -5.0
    assert sum(less.values()) > 15.0  # no minimum current fits any more


def test_a_session_that_would_leave_earlier_gets_less():
    made = plan(SCARCE)
    earlier = NeedChange("high", departs_at=NOW + timedelta(hours=1))
    assert what_if(SCARCE, made, Difference(needs=(earlier,))).shortfall_change_kwh["high"] > 5.0


def test_what_is_not_said_stays():
    changed = Difference(needs=(NeedChange("high", priority=0),))(SCARCE)
    assert [n.energy_kwh for n in changed.needs] == [20.0, 20.0]
    assert [n.departs_at for n in changed.needs] == [n.departs_at for n in SCARCE.needs]
    assert changed == Difference(alike=True)(SCARCE)
    assert Difference()(SCARCE) == SCARCE


def test_stages_of_a_need_that_shrinks_shrink_with_it():
    targets = (EnergyTarget(15.0, NOW + timedelta(hours=3)),)
    staged = request(replace(need("a", 20.0), targets=targets, minimum_now_kwh=8.0))
    change = NeedChange("a", energy_kwh=5.0, departs_at=NOW + timedelta(hours=2))
    seen = what_if(staged, plan(staged), Difference(needs=(change,)))
    assert seen.after.sessions[0].shortfall_kwh == 0.0


@pytest.mark.parametrize(
    ("difference", "field"),
    [
        (Difference(needs=(NeedChange("nobody", 1.0),)), r"needs\[0\].session_id"),
        (Difference(needs=(NeedChange("low", 1.0), NeedChange("low", priority=1))), r"needs\[1\].session_id"),
        (Difference(more_grid_kw=-1e6), "more_grid_kw"),
    ],
)
def test_what_cannot_be_is_refused_by_name(difference: Difference, field: str):
    with pytest.raises(InvalidInput, match=field):
        difference(SCARCE)
