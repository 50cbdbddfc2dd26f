"""What could be shed or added, and at what price."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cpms.domain.contract import UncertainLoad
from cpms.domain.errors import InvalidInput
from cpms.domain.storage import Battery
from optimizer import flexibility, plan
from tests.optimizer.requests import NOW, feeder, need, request

HOUR = timedelta(hours=1)


def test_a_car_that_can_wait_is_shed_for_the_difference_of_prices():
    asked = request(need(energy_kwh=10.0), price=(0.1, 0.3, 0.3, 0.3))
    found = flexibility(asked, NOW, NOW + HOUR, price_limit_per_kwh=0.5)
    assert found.shed.energy_kwh == pytest.approx(10.0)
    assert found.shed.price_per_kwh == pytest.approx(0.2, abs=0.01)
    assert found.shed.change_kw[0] == pytest.approx(-10.0)


def test_nothing_is_shed_below_its_price():
    asked = request(need(energy_kwh=10.0), price=(0.1, 0.3, 0.3, 0.3))
    found = flexibility(asked, NOW, NOW + HOUR, price_limit_per_kwh=0.1)
    assert found.shed.energy_kwh == pytest.approx(0.0, abs=1e-6)
    assert found.shed.price_per_kwh == 0.0


def test_a_drivers_need_is_not_shed_for_what_energy_is_usually_worth():
    asked = request(need(energy_kwh=10.0, hours=1.0), price=(0.1, 0.3, 0.3, 0.3))
    assert flexibility(asked, NOW, NOW + HOUR, 0.5).shed.energy_kwh == pytest.approx(0.0, abs=1e-6)


def test_a_battery_and_a_car_can_take_more():
    battery = Battery("b", "root", 10.0, 5.0, 4.0, 4.0, 1.0, 1.0)
    asked = replace(request(need(energy_kwh=10.0), price=(0.3, 0.1, 0.3, 0.3)), batteries=(battery,))
    found = flexibility(asked, NOW, NOW + HOUR, price_limit_per_kwh=0.5)
    assert found.before.import_kw[0] <= 0.0
    assert found.added.change_kw[0] >= 14.0 - 0.1
    assert 0.0 < found.added.price_per_kwh < 0.5


@pytest.mark.parametrize(("hours", "field"), [((2, 1), "ends_at"), ((9, 10), "starts_at")])
def test_an_interval_without_steps_is_refused(hours: tuple[int, int], field: str):
    with pytest.raises(InvalidInput) as refused:
        flexibility(request(need()), NOW + hours[0] * HOUR, NOW + hours[1] * HOUR, 0.5)
    assert refused.value.field == field


def test_however_rough_plans_are_nothing_is_shed_at_more_than_the_limit():
    one = need(energy_kwh=20.0, hours=0.062, max_current_a=32.0)
    asked = replace(
        request(one, count=1, minutes=5, feeders=(feeder(1, limit_a=32.0),), price=(0.0,)),
        batteries=(Battery("b", "root", 10.0, 10.0, 50.0, 50.0),),
        uncertain=(UncertainLoad("root", (3.0,)),),
    )
    rough = replace(asked, gap_target=0.9)
    found = flexibility(rough, NOW, NOW + HOUR, price_limit_per_kwh=0.05, before=plan(asked))
    assert found.shed.price_per_kwh <= 0.05
    assert found.added.price_per_kwh <= 0.05
    assert found.shed.energy_kwh == pytest.approx(-found.shed.change_kw[0] / 12)
    assert found.added.energy_kwh == pytest.approx(found.added.change_kw[0] / 12)
