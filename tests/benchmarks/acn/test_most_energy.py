from __future__ import annotations

import numpy as np
import pytest

from cpms.domain.need import AcceptancePoint, VehicleBattery
from optimizer.problem.acceptance import Acceptance
from tests.benchmarks.acn.data import MAX_KW, VOLTAGE_V, Stay
from tests.benchmarks.acn.most_energy import most_energy_kwh, most_worth, total_kwh
from tests.benchmarks.acn.network import Network

PLACES = {"AB": 0, "CA": 1}
DELTA_RAD = np.deg2rad([30.0, 150.0])


def line(limit_a: float) -> Network:
    return Network(np.array([[1.0, -1.0]]), DELTA_RAD, np.array([limit_a]))


def test_with_room_everybody_gets_everything() -> None:
    stays = [Stay("a", "AB", 0, 12, 5.0), Stay("b", "CA", 6, 24, 6.0)]
    assert most_energy_kwh(stays, PLACES, line(1000.0)) == pytest.approx(total_kwh(stays))


def test_one_vehicle_gets_what_its_line_carries() -> None:
    stays = [Stay("a", "AB", 0, 12, MAX_KW)]
    assert most_energy_kwh(stays, PLACES, line(16.0)) == pytest.approx(16.0 * VOLTAGE_V / 1000)


def test_two_phases_share_a_line_by_their_vector_sum() -> None:
    stays = [Stay("a", "AB", 0, 12, MAX_KW), Stay("b", "CA", 0, 12, MAX_KW)]
    each_a = 30.0 / np.sqrt(3)
    assert most_energy_kwh(stays, PLACES, line(30.0)) == pytest.approx(2 * each_a * VOLTAGE_V / 1000, rel=2e-3)


def test_a_vehicle_that_tapers_gets_what_its_battery_accepts() -> None:
    hour = [Stay("a", "AB", 0, 12, MAX_KW)]
    half_full = VehicleBattery(10.0, 0.5, (AcceptancePoint(0.5, MAX_KW), AcceptancePoint(1.0, 0.0)))
    most_kwh = most_worth(hour, PLACES, line(1000.0), np.ones(12), {"a": half_full})
    assert most_kwh == pytest.approx(Acceptance.of(half_full).filled_kwh(5.0, MAX_KW, 1.0))


def test_what_is_worth_less_than_nothing_is_not_delivered_and_the_rest_when_it_is_worth_most() -> None:
    worth_per_kwh = np.repeat([-0.1, 0.1, 0.3], 12)
    stays = [Stay("a", "AB", 0, 36, 2.5 * MAX_KW)]
    assert most_worth(stays, PLACES, line(1000.0), worth_per_kwh) == pytest.approx(0.4 * MAX_KW)
