"""Units: kW, kWh, A per phase, V. W and Wh exist on the wire only (`cpms.ocpp`).

Positive is into the vehicle, and from the grid.
"""

from __future__ import annotations

import enum
from decimal import ROUND_FLOOR, Decimal


class Phase(enum.Enum):
    """A phase of the three-phase grid, as IEC 60445 names it."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"


PHASES = (Phase.L1, Phase.L2, Phase.L3)

MIN_CHARGING_CURRENT_A = 6.0
"""Below this a vehicle may not charge at all (IEC 61851-1, table A.8)."""


def power_kw(current_a: float, voltage_v: float, phase_count: int) -> float:
    """Active power [kW] of `current_a` [A per phase] at `voltage_v` [V, phase to neutral], unity power factor."""
    return current_a * voltage_v * phase_count / 1000.0


def current_a(power_kw: float, voltage_v: float, phase_count: int) -> float:
    """Current [A per phase] that carries `power_kw` [kW] at `voltage_v` [V, phase to neutral]."""
    return power_kw * 1000.0 / (voltage_v * phase_count)


def floor_to_step(value: float, step: float) -> float:
    """Largest multiple of `step` not above `value`, exact in decimals.

    Binary floats make `i * 0.1` fail OCPP 1.6's multipleOf 0.1 for more than a third of all setpoints, therefore decimals.
    A value within 1e-9 below a multiple counts as that multiple.
    """
    decimal_step = Decimal(repr(step))
    quotient = (Decimal(repr(value)) + Decimal("1e-9")) / decimal_step
    return float(quotient.to_integral_value(rounding=ROUND_FLOOR) * decimal_step)


def floor_to_setpoint(
    current_a: float, max_current_a: float, step_a: float, min_current_a: float = MIN_CHARGING_CURRENT_A
) -> float:
    """Largest setpoint in {0} union [min, max] on the grid of `step_a` that is not above `current_a` (invariant G11)."""
    floored = floor_to_step(max(0.0, min(current_a, max_current_a)), step_a)
    return floored if floored >= min_current_a else 0.0
