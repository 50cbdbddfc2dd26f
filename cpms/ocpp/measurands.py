"""Sampled values to `Sample`: the one place where W, Wh and their like become kW and kWh.

Sources: OCPP 1.6, 7.31-7.43; OCPP 2.0.1 part 2, 2.49 and 3.53. Without a unit a value is in Wh, W, A, V, %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import NO_PHASES, PerPhase, Sample

NOMINAL_VOLTAGE_V = 230.0
MAX_POWER_KW = 1000.0
"""No connector is stronger; above it the unit was mixed up."""

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
CURRENT = "Current.Import"
VOLTAGE = "Voltage"
OFFERED = "Current.Offered"
SOC = "SoC"
_KNOWN = frozenset({ENERGY, POWER, CURRENT, VOLTAGE, OFFERED, SOC})

# Divisors, since dividing by 1000 is exact to the last digit where multiplying by 0.001 is not.
_PER_KILO = {
    "wh": 1e3,
    "w": 1e3,
    "kwh": 1.0,
    "kw": 1.0,
    "mwh": 1e-3,
    "mw": 1e-3,
    "Wh": 1e3,
    "W": 1e3,
    "kWh": 1.0,
    "kW": 1.0,
}
_PHASE_INDEX = {"L1": 0, "L2": 1, "L3": 2, "L1-N": 0, "L2-N": 1, "L3-N": 2}
_LINE_INDEX = {"L1-L2": 0, "L2-L3": 1, "L3-L1": 2}


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One sampled value of either version, still in its own unit."""

    value: float
    measurand: str = ENERGY
    unit: str | None = None
    phase: str | None = None
    location: str | None = None
    multiplier: int = 0


@dataclass
class Registers:
    """Last energy register per connector [kWh], to derive power and to notice mixed-up units; outlives connections."""

    last: dict[int, tuple[datetime, float]] = field(default_factory=dict)

    def mean_power_kw(self, connector_id: int, at: datetime, energy_kwh: float) -> float | None:
        """Mean power [kW] since the last register, None without one not older than an hour; remembers this one."""
        before = self.last.get(connector_id)
        if before is None or at > before[0]:
            self.last[connector_id] = (at, energy_kwh)
        if before is None or not 0 < (at - before[0]).total_seconds() <= 3600 or energy_kwh < before[1]:
            return None
        return (energy_kwh - before[1]) / ((at - before[0]).total_seconds() / 3600)

    def unit_factor(self, connector_id: int, at: datetime, energy_kwh: float) -> float:
        """1, or what a register that cannot follow the last one must be multiplied by to follow it closely: a unit changed."""
        before = self.last.get(connector_id)
        if before is None:
            return 1.0
        hours = max(1 / 60, (at - before[0]).total_seconds() / 3600)
        if 0 <= energy_kwh - before[1] <= MAX_POWER_KW * hours:
            return 1.0
        close = (f for f in (1e-3, 1e3) if 0 <= energy_kwh * f - before[1] <= 0.02 * before[1])
        return next(close, 1.0)


@dataclass(slots=True)
class _Values:
    total: dict[str, float] = field(default_factory=dict)
    phased: dict[str, list[float | None]] = field(default_factory=dict)


def to_sample(
    connector: ConnectorKey,
    readings: Iterable[Reading],
    sampled_at: datetime,
    received_at: datetime,
    registers: Registers,
    deviations: list[str],
    *,
    transaction_id: str | None = None,
    reported_at: datetime | None = None,
) -> Sample | None:
    """The readings of one instant as a Sample; None if there is nothing in them that we know."""
    values = _collect(readings, deviations)
    if not values.total and not values.phased:
        return None
    voltage_v = _per_phase(values, VOLTAGE)
    energy_kwh = _energy_kwh(connector.connector_id, values, sampled_at, registers, deviations)
    power_kw = _plausible_power_kw(_sum(values, POWER), deviations)
    current_a = _currents(values, power_kw, voltage_v)
    mean_kw = None if energy_kwh is None else registers.mean_power_kw(connector.connector_id, sampled_at, energy_kwh)
    derived_kw = None if power_kw is not None else _derived_power_kw(current_a, voltage_v, mean_kw)
    return Sample(
        connector=connector,
        sampled_at=sampled_at,
        received_at=received_at,
        transaction_id=transaction_id,
        power_kw=power_kw if derived_kw is None else derived_kw,
        energy_kwh=energy_kwh,
        current_a=current_a,
        voltage_v=voltage_v,
        offered_a=_sum(values, OFFERED),
        soc_pct=_sum(values, SOC),
        derived=derived_kw is not None,
        reported_at=reported_at,
    )


def _collect(readings: Iterable[Reading], deviations: list[str]) -> _Values:
    values = _Values()
    taken = [r for r in readings if r.measurand in _KNOWN]
    # The outlet is what we mean; other places only speak where it is silent, as for the vehicle's own state of charge.
    if any(r.location not in (None, "Outlet") for r in taken):
        taken.sort(key=lambda r: r.location in (None, "Outlet"))
    for reading in taken:
        value = _in_our_unit(reading, deviations)
        if reading.phase is None or reading.phase == "N":
            if reading.phase is None:
                values.total[reading.measurand] = value
        elif reading.phase in _PHASE_INDEX:
            values.phased.setdefault(reading.measurand, [None, None, None])[_PHASE_INDEX[reading.phase]] = value
        elif reading.phase in _LINE_INDEX and reading.measurand == VOLTAGE:
            slots = values.phased.setdefault(VOLTAGE, [None, None, None])
            index = _LINE_INDEX[reading.phase]
            slots[index] = value / math.sqrt(3) if slots[index] is None else slots[index]
    return values


def _in_our_unit(reading: Reading, deviations: list[str]) -> float:
    value = _scaled(reading) if reading.multiplier else reading.value
    if reading.measurand not in (ENERGY, POWER):
        return value
    divisor = _PER_KILO.get(reading.unit or "w") or _PER_KILO.get((reading.unit or "w").strip().lower())
    if divisor is None:
        deviations.append(f"{reading.measurand} has the unit {reading.unit!r}")
        divisor = 1e3
    return value / divisor


def _scaled(reading: Reading) -> float:
    if reading.multiplier < 0:
        return reading.value / 10.0**-reading.multiplier
    return reading.value * 10.0**reading.multiplier


def _energy_kwh(
    connector_id: int, values: _Values, at: datetime, registers: Registers, deviations: list[str]
) -> float | None:
    energy_kwh = _sum(values, ENERGY)
    if energy_kwh is None:
        return None
    if energy_kwh < 0:
        deviations.append("the energy register is negative")
        return None
    factor = registers.unit_factor(connector_id, at, energy_kwh)
    if factor != 1.0:
        deviations.append("the energy register changed its unit")
    return energy_kwh * factor


def _plausible_power_kw(power_kw: float | None, deviations: list[str]) -> float | None:
    if power_kw is not None and abs(power_kw) > MAX_POWER_KW:
        deviations.append("the power is W labelled kW")
        power_kw /= 1000.0
        return power_kw if abs(power_kw) <= MAX_POWER_KW else None
    return power_kw


def _currents(values: _Values, power_kw: float | None, voltage_v: PerPhase) -> PerPhase:
    phased = _per_phase(values, CURRENT)
    current_a = values.total.get(CURRENT)
    if phased != NO_PHASES or current_a is None:
        return phased
    # A current without a phase is that of each phase in use; the power tells how many there are.
    phase_count = 1
    if power_kw is not None and current_a > 1.0:
        phase_count = min(3, max(1, round(power_kw * 1000.0 / (_mean_v(voltage_v) * current_a))))
    return (current_a, current_a if phase_count > 1 else None, current_a if phase_count > 2 else None)


def _derived_power_kw(current_a: PerPhase, voltage_v: PerPhase, mean_kw: float | None) -> float | None:
    if current_a == NO_PHASES:
        return None if mean_kw is None or mean_kw > MAX_POWER_KW else mean_kw
    mean_v = _mean_v(voltage_v)
    pairs = zip(current_a, voltage_v, strict=True)
    return sum(a * (mean_v if v is None else v) for a, v in pairs if a is not None) / 1000.0


def _mean_v(voltage_v: PerPhase) -> float:
    known = [v for v in voltage_v if v]
    return sum(known) / len(known) if known else NOMINAL_VOLTAGE_V


def _sum(values: _Values, measurand: str) -> float | None:
    if measurand in values.total:
        return values.total[measurand]
    known = [v for v in values.phased.get(measurand, ()) if v is not None]
    if not known:
        return None
    return max(known) if measurand in (OFFERED, SOC) else sum(known)


def _per_phase(values: _Values, measurand: str) -> PerPhase:
    slots: Sequence[float | None] = values.phased.get(measurand, NO_PHASES)
    if measurand == VOLTAGE and measurand in values.total and slots == NO_PHASES:
        return (values.total[VOLTAGE], None, None)
    return (slots[0], slots[1], slots[2])
