"""Contracts that cannot be planned with are refused by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from cpms.domain.contract import EnergyBy, SetpointBand, Subscription
from cpms.domain.errors import InvalidInput
from cpms.domain.plan import PlanRequest
from optimizer import plan
from tests.optimizer.requests import NOW, feeder, need, request

GOOD = request(need())
NAN = float("nan")
FREE, YES = (None,) * 4, (True,) * 4


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("co2_price_per_kg", replace(GOOD, co2_price_per_kg=-1.0)),
        ("co2_g_per_kwh", replace(GOOD, co2_g_per_kwh=(400.0,))),
        ("subscriptions[0].subscribed_kw", replace(GOOD, subscriptions=(Subscription(NAN, YES),))),
        ("subscriptions[0].applies", replace(GOOD, subscriptions=(Subscription(5.0, (True,)),))),
        ("subscriptions[0].fee_per_kwh", replace(GOOD, subscriptions=(Subscription(5.0, YES, -1.0),))),
        ("subscriptions[0].fee", replace(GOOD, subscriptions=(Subscription(5.0, YES, 0.0, NAN),))),
        ("bands[0].least_kw", replace(GOOD, bands=(SetpointBand((1.0,), FREE, 1.0),))),
        ("bands[0].most_kw", replace(GOOD, bands=(SetpointBand(FREE, (NAN,) * 4, 1.0),))),
        ("bands[0].most_kw[0]", replace(GOOD, bands=(SetpointBand((5.0,) * 4, (4.0,) * 4, 1.0),))),
        ("bands[0].penalty_per_kwh", replace(GOOD, bands=(SetpointBand(FREE, FREE, -1.0),))),
        ("energy_by[0].due_at", replace(GOOD, energy_by=(EnergyBy(datetime(2026, 3, 2), 1.0),))),  # noqa: DTZ001 is the point
        ("energy_by[0]", replace(GOOD, energy_by=(EnergyBy(NOW, 1.0, NAN),))),
        ("energy_by[0].most_kwh", replace(GOOD, energy_by=(EnergyBy(NOW, 1.0, 5.0, 4.0),))),
        ("energy_by[0].penalty_per_kwh", replace(GOOD, energy_by=(EnergyBy(NOW, NAN),))),
        ("needs[a].revenue_per_kwh", request(replace(need(), revenue_per_kwh=(0.5,)))),
        ("feeders[root].export_kw", request(need(), feeders=(replace(feeder(4), export_kw=(1.0,)),))),
        ("feeders[root].surplus_kw", request(need(), feeders=(replace(feeder(4), surplus_kw=(NAN,) * 4),))),
    ],
)
def test_a_contract_that_cannot_be_is_refused_and_named(field: str, asked: PlanRequest):
    with pytest.raises(InvalidInput) as refused:
        plan(asked)
    assert refused.value.field == field
