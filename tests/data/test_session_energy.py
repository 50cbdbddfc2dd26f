from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.session_energy import SessionEnergy, most_energy_kwh, session_energy, walked_kwh
from tests.data.examples import NOW

registers = st.none() | st.floats(min_value=-1e6, max_value=1e6)


def test_energy_is_the_stop_register_minus_the_start_register() -> None:
    assert session_energy(100.1, 112.4, None, 50.0) == SessionEnergy(12.3, estimated=False)


def test_a_stop_register_below_the_start_gives_way_to_the_last_sample() -> None:
    assert session_energy(100.0, 0.0, 107.5, 50.0) == SessionEnergy(7.5, estimated=True)


def test_more_than_the_connector_can_give_is_not_believed() -> None:
    most_kwh = most_energy_kwh(timedelta(hours=1), max_power_kw=22.0)
    assert most_kwh == 22.0 * 1.1 + 1.0
    assert session_energy(100.0, 12_100.0, None, most_kwh) is None


@given(registers, registers, registers, st.floats(0, 1e6))
def test_energy_is_never_negative_nor_more_than_possible(
    start: float | None, stop: float | None, last: float | None, most: float
) -> None:
    energy = session_energy(start, stop, last, most)
    assert energy is None or 0.0 <= energy.energy_kwh <= most


@given(st.lists(st.tuples(st.integers(0, 3600), st.floats(0, 1e6)), max_size=20), st.none() | st.floats(0, 400))
def test_a_walk_over_any_registers_is_never_negative_nor_more_than_possible(
    readings: list[tuple[int, float]], max_power_kw: float | None
) -> None:
    walked = [(NOW + timedelta(seconds=s), kwh) for s, kwh in sorted(readings)]
    most_kwh = sum(most_energy_kwh(b - a, max_power_kw) for (a, _), (b, _) in pairwise(walked))
    assert 0.0 <= walked_kwh(walked, max_power_kw) <= most_kwh + 1e-3


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=20), st.integers(0, 19))
def test_a_meter_that_is_exchanged_on_the_way_loses_nothing(added: list[float], exchanged_at: int) -> None:
    registers_kwh, register_kwh = [1000.0], 1000.0
    for number, kwh in enumerate(added):
        register_kwh = kwh if number == exchanged_at else register_kwh + kwh
        registers_kwh.append(register_kwh)
    walked = [(NOW + timedelta(minutes=5 * n), kwh) for n, kwh in enumerate(registers_kwh)]
    assert walked_kwh(walked, 22.0) == pytest.approx(sum(added), abs=1e-4)
