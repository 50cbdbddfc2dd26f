from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from data.session_energy import SessionEnergy, most_energy_kwh, session_energy

registers = st.none() | st.floats(min_value=-1e6, max_value=1e6)


def test_energy_is_the_stop_register_minus_the_start_register() -> None:
    assert session_energy(100.1, 112.4, None, 0.0, 50.0) == SessionEnergy(12.3, estimated=False)


def test_a_stop_register_below_the_start_gives_way_to_the_last_sample() -> None:
    assert session_energy(100.0, 0.0, 107.5, 0.0, 50.0) == SessionEnergy(7.5, estimated=True)


def test_more_than_the_connector_can_give_is_not_believed() -> None:
    most_kwh = most_energy_kwh(timedelta(hours=1), max_power_kw=22.0)
    assert most_kwh == 22.0 * 1.1 + 1.0
    assert session_energy(100.0, 12_100.0, None, 9.0, most_kwh) == SessionEnergy(9.0, estimated=True)


def test_without_registers_what_was_noted_counts() -> None:
    assert session_energy(None, None, None, 4.0, 50.0) == SessionEnergy(4.0, estimated=True)


@given(registers, registers, registers, st.floats(0, 1e6), st.floats(0, 1e6))
def test_energy_is_never_negative_nor_more_than_possible(
    start: float | None, stop: float | None, last: float | None, noted: float, most: float
) -> None:
    assert 0.0 <= session_energy(start, stop, last, noted, most).energy_kwh <= most
