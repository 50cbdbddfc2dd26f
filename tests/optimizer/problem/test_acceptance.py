"""A vehicle that tapers takes what its curve says, and never more than the cuts of the relaxation allow."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.need import AcceptancePoint, VehicleBattery
from optimizer.problem.acceptance import Acceptance

TAPERING = VehicleBattery(
    50.0, 0.2, (AcceptancePoint(0.0, 11.0), AcceptancePoint(0.8, 11.0), AcceptancePoint(1.0, 1.0))
)
CURVE = Acceptance.of(TAPERING)


def stepped_kwh(curve: Acceptance, held_kwh: float, setpoint_kw: float, hours: float, count: int = 1000) -> float:
    """The same by small steps of Euler's."""
    energy_kwh = held_kwh
    for _ in range(count):
        piece = next((p for p in curve.pieces if energy_kwh < p.until_kwh), None)
        if piece is None:
            break
        energy_kwh += max(0.0, min(setpoint_kw, piece.power_at_kw(energy_kwh))) * hours / count
    return energy_kwh - held_kwh


@st.composite
def curves(draw: st.DrawFn) -> Acceptance:
    socs = sorted(draw(st.lists(st.integers(0, 20), min_size=1, max_size=4, unique=True)))
    powers = sorted((draw(st.integers(0, 22)) for _ in socs), reverse=True)
    points = tuple(AcceptancePoint(soc / 20, float(power)) for soc, power in zip(socs, powers, strict=True))
    return Acceptance.of(VehicleBattery(float(draw(st.integers(10, 90))), 0.0, points))


def test_below_the_taper_the_setpoint_is_drawn():
    assert CURVE.filled_kwh(10.0, 6.0, 0.5) == pytest.approx(3.0)
    assert CURVE.filled_kwh(10.0, 22.0, 0.5) == pytest.approx(5.5)


def test_near_full_it_takes_less_and_less():
    first, second = CURVE.filled_kwh(45.0, 11.0, 0.25), CURVE.filled_kwh(48.0, 11.0, 0.25)
    assert 0 < second < first < 6.0 * 0.25
    assert first == pytest.approx(stepped_kwh(CURVE, 45.0, 11.0, 0.25), rel=1e-2)


def test_a_full_vehicle_takes_nothing_and_nobody_holds_more_than_it_can():
    assert CURVE.filled_kwh(50.0, 11.0, 1.0) == 0.0
    assert CURVE.filled_kwh(49.0, 11.0, 100.0) == pytest.approx(1.0)


def test_without_a_curve_only_the_size_counts():
    plain = Acceptance.of(VehicleBattery(20.0, 0.5))
    assert plain.filled_kwh(10.0, 7.0, 1.0) == pytest.approx(7.0)
    assert plain.filled_kwh(10.0, 7.0, 2.0) == pytest.approx(10.0)
    assert list(plain.cuts(1.0)) == [(20.0, 1.0)]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(curves(), st.floats(0, 1), st.floats(0.5, 22), st.floats(0.05, 1.0))
def test_it_is_the_solution_of_its_differential_equation(
    curve: Acceptance, soc: float, setpoint_kw: float, hours: float
):
    held_kwh = soc * curve.full_kwh
    expected = stepped_kwh(curve, held_kwh, setpoint_kw, hours)
    assert curve.filled_kwh(held_kwh, setpoint_kw, hours) == pytest.approx(expected, abs=0.1)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(curves(), st.floats(0, 1), st.floats(0.01, 2.0))
def test_no_cut_forbids_what_a_vehicle_can_take(curve: Acceptance, soc: float, hours: float):
    held_kwh = soc * curve.full_kwh
    taken_kwh = curve.filled_kwh(held_kwh, math.inf, hours) if curve.pieces[0].power_kw < math.inf else 0.0
    assert all(taken_kwh <= most - part * held_kwh + 1e-6 for most, part in curve.cuts(hours))
