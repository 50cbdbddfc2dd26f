"""What holds a plan back is told fairly: three phases that are full together share what more of them would save."""

import pytest

from cpms.domain.units import PHASES, Phase
from optimizer.planner import plan
from tests.optimizer.requests import feeder, need, request

VALUE_OF_A_KWH = 0.5
"""More than anybody's kWh is worth in these requests [money/kWh]."""


def test_phases_that_only_three_phase_vehicles_fill_share_the_price_evenly():
    made = plan(request(need("a", 40), need("b", 40), count=4, feeders=(feeder(4, limit_a=20.0),)))
    first = [limit for limit in made.binding if limit.step == 0]
    assert [limit.phase for limit in first] == list(PHASES)
    assert len({limit.shadow_price_per_kw for limit in first}) == 1


def test_one_more_kilowatt_on_every_phase_saves_no_more_than_three_kilowatt_hours_are_worth():
    made = plan(request(need("a", 40), need("b", 40), count=4, feeders=(feeder(4, limit_a=20.0),)))
    a_kwh_missing = max(made.cost_by_term["shortfall"] / sum(s.shortfall_kwh for s in made.sessions), VALUE_OF_A_KWH)
    assert all(0 < limit.shadow_price_per_kwh <= a_kwh_missing for limit in made.binding)


def test_a_phase_that_is_fuller_than_the_others_keeps_its_price():
    one = (Phase.L1,)
    made = plan(request(need("a", 20, phases=one), need("b", 20, phases=one), feeders=(feeder(4, limit_a=20.0),)))
    assert {limit.phase for limit in made.binding} == {Phase.L1}
    assert made.binding[0].shadow_price_per_kw == pytest.approx(made.binding[0].shadow_price_per_kwh)
