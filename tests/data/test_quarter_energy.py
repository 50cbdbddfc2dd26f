from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.quarter_energy import energy_by_quarter
from data.session_energy import Register
from tests.data.examples import at


def quarters(*registers: tuple[float, float], max_power_kw: float | None = 22.0) -> dict[datetime, float]:
    """By minute of the quarter's start, of registers told at minutes."""
    told: list[Register] = [(at(minutes), register_kwh) for minutes, register_kwh in registers]
    return energy_by_quarter(told, max_power_kw)


def test_what_was_added_belongs_to_the_time_in_which_it_was() -> None:
    assert quarters((0, 100.0), (15, 102.0), (30, 105.0)) == {at(0): 2.0, at(15): 3.0}
    assert quarters((10, 100.0), (20, 104.0)) == {at(0): 2.0, at(15): 2.0}
    assert quarters((10, 100.0), (40, 106.0)) == {at(0): 1.0, at(15): 3.0, at(30): 2.0}


def test_nothing_told_or_nothing_added_is_nothing() -> None:
    assert quarters() == {}
    assert quarters((3, 100.0)) == {}
    assert quarters((3, 100.0), (900, 100.0)) == {}


@pytest.mark.parametrize(
    ("registers", "total_kwh"),
    [
        (((0, 100.0), (10, 102.0), (11, 0.0), (21, 2.5)), 4.5),  # counts per session
        (((0, 100.0), (10, 102.0), (11, 0.1), (21, 2.5)), 4.5),  # exchanged
        (((0, 1.0), (1, 1.2), (1, 1.0), (2, 1.1), (3, 1.2)), 0.4),  # begins anew where it began before
        (((0, 100.0), (10, 99999.0), (20, 104.0)), 4.0),  # one absurd reading
        (((0, 99999.0), (10, 100.0), (20, 104.0)), 4.0),  # the absurd one first
        (((0, 100.0), (10, 5000.0), (20, 5003.0), (30, 5004.0)), 4.0),  # exchanged for one that has counted before
        (((0, 7.5006), (10, 7.5), (20, 8.5)), 0.9994),  # Wh here, kWh there
        (((0, 100.0), (0, 100.5), (0, 100.5)), 0.5),  # at the same instant
    ],
)
def test_registers_may_begin_anew_or_be_absurd(registers: tuple[tuple[float, float], ...], total_kwh: float) -> None:
    assert sum(quarters(*registers).values()) == pytest.approx(total_kwh)


@given(st.lists(st.tuples(st.floats(0.01, 600.0), st.floats(0.0, 1.0)), min_size=1, max_size=40))
def test_quarters_add_up_to_what_the_register_counted_and_none_is_beyond_the_connector(
    steps: list[tuple[float, float]],
) -> None:
    minutes, register_kwh = 0.0, 100.0
    registers = [(minutes, register_kwh)]
    for pause, load in steps:
        minutes, register_kwh = minutes + pause, register_kwh + load * 22.0 * pause / 60
        registers.append((minutes, register_kwh))
    found = quarters(*registers)
    assert sum(found.values()) == pytest.approx(register_kwh - 100.0, abs=1e-6)
    assert all(0.0 < energy_kwh <= 22.0 / 4 + 1e-6 for energy_kwh in found.values())
