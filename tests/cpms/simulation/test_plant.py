from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from cpms.domain.grid import GridLimit
from cpms.domain.identity import ConnectorKey
from cpms.domain.units import PHASES, Phase
from cpms.simulation.plant import SWITCH_PAUSE_S, Plant
from cpms.simulation.scenario import Day
from cpms.simulation.vehicle import Vehicle

A, B = ConnectorKey("a", 1), ConnectorKey("b", 1)
MakeDay = Callable[..., Day]


def test_feeders_carry_the_sum_of_what_is_below_them_per_phase(make_day: MakeDay) -> None:
    plant = Plant(make_day(), seed=1)
    for key in (A, B):
        plant.plug(key, Vehicle(50.0, 16.0, 1))
        plant.set_limit(key, 16.0)
    plant.advance(60)
    row = next(reading for reading in plant.feeder_readings() if reading.feeder_id == "row")
    assert row.current_a == (16.0, 16.0, 0.0)  # rotated: the first phase of b is L2


def test_the_grid_connection_also_carries_the_building(make_day: MakeDay) -> None:
    plant = Plant(make_day(other_kw=6.9), seed=1)
    plant.plug(A, Vehicle(50.0))
    plant.set_limit(A, 10.0)
    plant.advance(60)
    grid, row = plant.feeder_readings()
    assert grid.power_kw == pytest.approx(row.power_kw + 6.9)
    assert grid.current_a[0] == pytest.approx(10.0 + 10.0, rel=0.02)


def test_solar_power_relieves_the_connection(make_day: MakeDay) -> None:
    day = make_day(other_kw=5.0)
    plant = Plant(replace(day, solar_kw=(8.0,) * len(day.solar_kw)), seed=1)
    plant.advance(60)
    assert plant.feeder_readings()[0].power_kw == pytest.approx(-3.0)


def test_no_connector_gives_more_than_it_can(make_day: MakeDay) -> None:
    plant = Plant(make_day(), seed=1)
    plant.plug(A, Vehicle(50.0, 80.0))
    plant.set_limit(A, 80.0)
    plant.advance(60)
    assert plant.reading(A).current_a == (32.0, 32.0, 32.0)


def test_the_register_counts_what_vehicles_take_and_goes_on_counting(make_day: MakeDay) -> None:
    plant = Plant(make_day(), seed=1)
    plant.set_limit(A, 32.0)
    for _ in range(2):
        plant.plug(A, Vehicle(1.0))
        plant.advance(plant.second + 1200)
        assert plant.unplug(A) == pytest.approx(1.0, abs=0.01)
    assert plant.reading(A).energy_kwh == pytest.approx(2.0, abs=0.02)


def test_a_limit_is_asked_for_again_when_it_may_have_changed(make_day: MakeDay) -> None:
    asked: list[int] = []

    def limit_of(_: ConnectorKey, second: int) -> tuple[float, int]:
        asked.append(second)
        return (16.0, 100) if second < 100 else (8.0, 1000)

    plant = Plant(make_day(), 1, limit_of)
    plant.plug(A, Vehicle(50.0))
    plant.ask(A)
    plant.advance(99)
    assert plant.reading(A).current_a[0] == 16.0
    plant.advance(103)
    assert plant.reading(A).current_a[0] == 8.0
    assert asked == [0, 100]


def test_every_second_above_a_limit_is_recorded_with_the_worst_of_them(make_day: MakeDay) -> None:
    plant = Plant(make_day(), seed=1)
    plant.advance(100)
    for key in (A, B):
        plant.plug(key, Vehicle(50.0))
        plant.set_limit(key, 30.0)
    plant.advance(200)
    for key in (A, B):
        plant.set_limit(key, 0.0)
    plant.advance(300)
    row = next(record for record in plant.record.limits() if record.name == "feeder row")
    assert row.worst_overload_pct == pytest.approx(50.0)
    assert 90 < row.overload_s < 100
    assert next(r for r in plant.record.limits() if r.name == "feeder grid").overload_s == 0


def test_a_limit_counts_only_while_it_is_in_force(make_day: MakeDay) -> None:
    day = make_day(other_kw=10.0)
    window = GridLimit("x", "grid", 8.0, None, day.instant_of(600), day.instant_of(660), reason="cap")
    plant = Plant(replace(day, limits=(window,)), seed=1)
    plant.advance(3600)
    cap = next(record for record in plant.record.limits() if record.name == "cap")
    assert (cap.overload_s, cap.worst_overload_pct) == (60, pytest.approx(25.0))


def test_the_day_is_the_same_in_one_step_and_in_many(make_day: MakeDay) -> None:
    def lived(stride: int) -> Plant:
        plant = Plant(make_day(other_kw=3.0), seed=5)
        plant.plug(A, Vehicle(4.0))
        plant.set_limit(A, 20.0)
        for second in range(stride, 3601, stride):
            plant.advance(second)
        return plant

    once, often = lived(3600), lived(45)
    assert once.reading(A) == often.reading(A)
    assert once.record.limits() == often.record.limits()


def test_time_never_goes_beyond_the_end_of_the_day(make_day: MakeDay) -> None:
    plant = Plant(make_day(), seed=1)
    plant.advance(10_000)
    assert plant.second == 3600
    assert plant.reading(A).power_kw == 0.0


def test_a_connector_changes_its_phases_after_a_pause_without_current(make_day: MakeDay) -> None:
    plant = Plant(make_day(), 0)
    plant.plug(A, Vehicle(20.0))
    plant.set_limit(A, 16.0)
    plant.advance(60)
    plant.supply(A, PHASES)
    plant.advance(90)
    assert plant.reading(A).current_a == (16.0, 16.0, 16.0), "no change, no pause"
    plant.supply(A, (Phase.L2,))
    plant.advance(90 + SWITCH_PAUSE_S)
    assert plant.reading(A).current_a == (0.0, 0.0, 0.0)
    plant.advance(150)
    assert plant.reading(A).current_a == (0.0, 16.0, 0.0)
