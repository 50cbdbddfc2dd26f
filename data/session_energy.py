"""How much energy a session got, from registers that may be missing, swapped, reset or absurd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_MARGIN = 1.1
_SLACK_KWH = 1.0
_UNKNOWN_CONNECTOR_KW = 1000.0
"""No connector on the market gives more; what is not known to be smaller is checked against it."""

Register = tuple[datetime, float]
"""When it was read, and what it said [kWh]."""


@dataclass(frozen=True)
class SessionEnergy:
    """Energy [kWh] of a session; `estimated` if its stop register could not be believed."""

    energy_kwh: float
    estimated: bool


def most_energy_kwh(duration: timedelta, max_power_kw: float | None) -> float:
    """Most [kWh] a connector of `max_power_kw` [kW] can have given in `duration`, with a margin for clocks and voltage."""
    power_kw = _UNKNOWN_CONNECTOR_KW if max_power_kw is None else max_power_kw
    return power_kw * max(0.0, duration.total_seconds()) / 3600.0 * _MARGIN + _SLACK_KWH


def walked_kwh(registers: Sequence[Register], max_power_kw: float | None) -> float:
    """Energy [kWh] over registers, oldest first, that may begin anew (exchanged, rolled over, or counting per session): what each
    adds to the one before. One that adds more than the connector can have given is passed over."""
    energy_kwh = 0.0
    if not registers:
        return energy_kwh
    before_at, before_kwh = registers[0]
    for at, register_kwh in registers[1:]:
        added_kwh = register_kwh - before_kwh if register_kwh >= before_kwh else register_kwh
        if added_kwh <= most_energy_kwh(at - before_at, max_power_kw):
            energy_kwh += added_kwh
            before_at, before_kwh = at, register_kwh
    return round(energy_kwh, 6)


def session_energy(
    meter_start_kwh: float | None, meter_stop_kwh: float | None, last_register_kwh: float | None, most_kwh: float
) -> SessionEnergy | None:
    """Stop minus start register where that is between 0 and `most_kwh`; else last sample's register minus start; None where neither
    can be believed. Registers in kWh. Never negative (invariant B3)."""
    for register_kwh, estimated in ((meter_stop_kwh, False), (last_register_kwh, True)):
        if register_kwh is not None and meter_start_kwh is not None:
            energy_kwh = round(register_kwh - meter_start_kwh, 6)
            if 0.0 <= energy_kwh <= most_kwh:
                return SessionEnergy(energy_kwh, estimated)
    return None
