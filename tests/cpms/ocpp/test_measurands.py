"""Sampled values to samples: units, phases, and what is derived."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import Sample
from cpms.ocpp.measurands import CURRENT, ENERGY, OFFERED, POWER, SOC, VOLTAGE, Reading, Registers, to_sample

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = ConnectorKey("ST-1", 1)


def sample(
    *readings: Reading, registers: Registers | None = None, at: datetime = NOW, notes: list[str] | None = None
) -> Sample:
    found = to_sample(
        KEY, readings, at, at, registers or Registers(), notes if notes is not None else [], transaction_id="7"
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("reading", "energy_kwh"),
    [
        (Reading(12345), 12.345),
        (Reading(12345, unit="Wh"), 12.345),
        (Reading(12.345, unit="kWh"), 12.345),
        (Reading(12.345, unit=" KWH "), 12.345),
        (Reading(12.345, unit="Wh", multiplier=3), 12.345),
        (Reading(12.345, unit="furlong"), 0.012345),
    ],
)
def test_energy_is_in_kwh_whatever_it_was_in(reading: Reading, energy_kwh: float):
    assert sample(reading).energy_kwh == pytest.approx(energy_kwh)


@pytest.mark.parametrize(
    "reading", [Reading(7400, POWER), Reading(7.4, POWER, unit="kW"), Reading(7400, POWER, unit="W")]
)
def test_power_is_in_kw_whatever_it_was_in(reading: Reading):
    found = sample(reading)
    assert (found.power_kw, found.derived) == (pytest.approx(7.4), False)


def test_watts_labelled_kilowatts_are_noticed():
    notes: list[str] = []
    assert sample(Reading(7400, POWER, unit="kW"), notes=notes).power_kw == pytest.approx(7.4)
    assert notes == ["the power is W labelled kW"]


def test_phases_are_kept_apart_and_summed_for_the_whole():
    found = sample(
        *(Reading(a, CURRENT, phase=p) for a, p in [(10, "L1"), (11, "L2-N"), (12, "L3")]),
        *(Reading(w, POWER, phase=p) for w, p in [(2300, "L1"), (2530, "L2"), (2760, "L3")]),
        *(Reading(v, VOLTAGE, phase=p) for v, p in [(230, "L1-N"), (231, "L2-N"), (232, "L3-N")]),
    )
    assert found.current_a == (10, 11, 12)
    assert found.voltage_v == (230, 231, 232)
    assert found.power_kw == pytest.approx(7.59)


def test_voltage_between_phases_is_turned_into_voltage_to_neutral():
    assert sample(Reading(400, VOLTAGE, phase="L1-L2")).voltage_v[0] == pytest.approx(230.94, abs=0.01)


def test_power_is_derived_from_current_and_voltage():
    found = sample(
        Reading(10, CURRENT, phase="L1"), Reading(10, CURRENT, phase="L2"), Reading(220, VOLTAGE, phase="L1-N")
    )
    assert (found.power_kw, found.derived) == (pytest.approx(4.4), True)


def test_power_is_derived_from_two_registers():
    registers = Registers()
    assert sample(Reading(1000), registers=registers).power_kw is None
    found = sample(Reading(1185), registers=registers, at=NOW + timedelta(minutes=1))
    assert (found.power_kw, found.derived) == (pytest.approx(11.1), True)


def test_registers_that_go_back_or_lie_hours_apart_derive_nothing():
    registers = Registers()
    sample(Reading(5000), registers=registers)
    assert sample(Reading(10), registers=registers, at=NOW + timedelta(minutes=1)).power_kw is None
    assert sample(Reading(4000), registers=registers, at=NOW + timedelta(hours=3)).power_kw is None


def test_a_register_that_changes_its_unit_is_noticed():
    registers, notes = Registers(), []
    sample(Reading(5_000_000, unit="Wh"), registers=registers)
    found = sample(Reading(5_000_100, unit="kWh"), registers=registers, at=NOW + timedelta(minutes=1), notes=notes)
    assert found.energy_kwh == pytest.approx(5000.1)
    assert notes == ["the energy register changed its unit"]


def test_a_register_that_starts_again_is_not_taken_for_another_unit():
    registers = Registers()
    sample(Reading(5000), registers=registers)
    assert sample(Reading(6), registers=registers, at=NOW + timedelta(minutes=1)).energy_kwh == pytest.approx(0.006)


def test_a_negative_register_is_no_register():
    notes: list[str] = []
    assert sample(Reading(-5), Reading(1, SOC), notes=notes).energy_kwh is None
    assert notes == ["the energy register is negative"]


def test_a_current_without_phase_counts_on_as_many_phases_as_the_power_needs():
    assert sample(Reading(16, CURRENT), Reading(11040, POWER)).current_a == (16, 16, 16)
    assert sample(Reading(16, CURRENT), Reading(3680, POWER)).current_a == (16, None, None)
    assert sample(Reading(16, CURRENT)).current_a == (16, None, None)


def test_the_outlet_is_what_counts_and_the_rest_speaks_where_it_is_silent():
    found = sample(
        Reading(11000, POWER, location="Outlet"),
        Reading(11500, POWER, location="Inlet"),
        Reading(55, SOC, location="EV"),
    )
    assert (found.power_kw, found.soc_pct) == (11, 55)


def test_what_is_offered_is_per_phase():
    assert sample(Reading(16, OFFERED, phase="L1"), Reading(16, OFFERED, phase="L2")).offered_a == 16


def test_unknown_measurands_make_no_sample():
    assert to_sample(KEY, [Reading(3, "Temperature")], NOW, NOW, Registers(), []) is None


_readings = st.builds(
    Reading,
    st.floats(-1e9, 1e9, allow_nan=False),
    st.sampled_from([ENERGY, POWER, CURRENT, VOLTAGE, SOC, "Frequency"]),
    st.sampled_from([None, "W", "kW", "Wh", "kWh", "A", "V", "?"]),
    st.sampled_from([None, "L1", "L2-N", "L1-L2", "N", "X"]),
    st.sampled_from([None, "Outlet", "EV", "Inlet"]),
    st.integers(-3, 3),
)


@given(st.lists(st.tuples(st.lists(_readings, max_size=8), st.integers(-100, 5000)), max_size=6))
def test_no_sample_is_stronger_than_a_connector_can_be_or_has_a_negative_register(
    series: list[tuple[list[Reading], int]],
):
    registers = Registers()
    for readings, second in series:
        at = NOW + timedelta(seconds=second)
        found = to_sample(KEY, readings, at, at, registers, [])
        if found is not None and found.power_kw is not None and not found.derived:
            assert abs(found.power_kw) <= 1000
        if found is not None and found.energy_kwh is not None:
            assert found.energy_kwh >= 0
