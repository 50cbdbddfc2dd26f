from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.acn.data import MAX_KW, VOLTAGE_V
from tests.benchmarks.acn.horizon import Steps
from tests.benchmarks.acn.scenario_plan import Here, Network, ScenarioPlan, ToCome

NO_LIMITS = Network(np.zeros((0, 3)), np.zeros(3), np.zeros(0))


def plan(
    here: list[Here],
    price: list[float],
    peak: list[tuple[float, float]],
    likely: list[list[ToCome]],
    network: Network = NO_LIMITS,
) -> tuple[Steps, np.ndarray]:
    steps = Steps.until_departures(0, [vehicle.departure for vehicle in here])
    return steps, ScenarioPlan(steps, steps.mean(np.array(price)), peak, here, likely, network).power_kw()


def test_everybody_gets_everything_however_dear_the_peak() -> None:
    steps, power = plan([Here(24, 8.0, 0), Here(6, 3.0, 1)], [0.2] * 24, [(0.0, 15.0)], [])
    assert (power @ steps.hours).tolist() == pytest.approx([8.0, 3.0])


def test_dear_hours_are_left_out_while_the_peak_is_free() -> None:
    steps, power = plan([Here(24, 6.0, 0)], [0.3] * 12 + [0.1] * 12, [(20.0, 15.0)], [])
    assert power[0, steps.edges[:-1] < 12].sum() == 0


def test_room_is_kept_for_a_vehicle_that_may_come() -> None:
    price, peak = [0.20] * 12 + [0.19] * 12, [(MAX_KW, 15.0)]
    someone = [ToCome(12, 24, MAX_KW)]
    steps, waiting = plan([Here(24, MAX_KW, 0)], price, peak, [])
    _, making_room = plan([Here(24, MAX_KW, 0)], price, peak, [someone, []])
    first_hour = steps.edges[:-1] < 12
    assert waiting[0, first_hour] @ steps.hours[first_hour] == pytest.approx(0.0)
    assert making_room[0, first_hour] @ steps.hours[first_hour] == pytest.approx(MAX_KW)


def test_a_departure_is_never_inside_a_step() -> None:
    steps = Steps.until_departures(2, [7, 31, 50])
    assert {7, 31, 50} <= set(steps.edges.tolist())
    assert steps.edges[-1] == 50


def test_the_networks_vector_sum_is_kept_in_every_step_and_no_more_than_that() -> None:
    delta = Network(np.array([[1.0, -1.0, 0.0]]), np.deg2rad([30.0, 150.0, -90.0]), np.array([30.0]))
    _, power = plan([Here(12, 6.0, 0), Here(12, 6.0, 1)], [0.2] * 12, [(100.0, 15.0)], [], delta)
    amps = power * 1000 / VOLTAGE_V
    line_a = np.abs(delta.matrix[:, :2] * np.exp(1j * delta.angle_rad[:2]) @ amps)
    assert line_a.max() <= 30.0 * (1 + 1e-6)
    assert line_a.max() >= 29.9
    assert np.abs(amps).sum(axis=0).max() > 30.0
