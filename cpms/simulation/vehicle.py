"""Vehicles: how much they take, how fast, and how they follow a limit.

The functions work on arrays with one entry per connector, because a site is simulated second by second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.units import MIN_CHARGING_CURRENT_A

FloatArray = NDArray[np.float64]

TAPER_FROM = 0.8
"""Share of its final energy from which a vehicle accepts less and less."""
TAPER_TO = 0.4
"""Share of its highest current that it still accepts at its final energy; in between the current falls linearly."""
RAMP_UP_A_PER_S = 4.0
RAMP_DOWN_A_PER_S = 16.0
"""A vehicle follows a lower limit within 2 s (32 A), a higher one within 7 s. IEC 61851-1 allows it 5 s to reduce."""


@dataclass(frozen=True)
class Vehicle:
    """What a vehicle takes: `final_kwh` [kWh] from plug-in until it stops by itself, at most `max_current_a` [A per phase]
    on `phase_count` phases (the first ones of its connector)."""

    final_kwh: float
    max_current_a: float = 32.0
    phase_count: int = 3


def accepted_a(taken_kwh: FloatArray, final_kwh: FloatArray, max_current_a: FloatArray) -> FloatArray:
    """Current [A per phase] each vehicle would draw without a limit, after `taken_kwh` [kWh] of its `final_kwh` [kWh].

    Constant up to `TAPER_FROM`, then linearly down to `TAPER_TO`, never below the minimum current, nothing once full.
    """
    share = taken_kwh / np.maximum(final_kwh, 1e-9)
    taper = 1.0 - (1.0 - TAPER_TO) * np.clip((share - TAPER_FROM) / (1.0 - TAPER_FROM), 0.0, 1.0)
    wanted_a = np.maximum(max_current_a * taper, MIN_CHARGING_CURRENT_A)
    return np.where(taken_kwh < final_kwh, np.minimum(wanted_a, max_current_a), 0.0)


def follow(current_a: FloatArray, target_a: FloatArray) -> FloatArray:
    """Current [A per phase] one second later: up and down by the ramps, and nothing below the minimum current."""
    raised_a = np.minimum(target_a, np.maximum(current_a + RAMP_UP_A_PER_S, MIN_CHARGING_CURRENT_A))
    lowered_a = np.maximum(target_a, current_a - RAMP_DOWN_A_PER_S)
    next_a = np.where(target_a >= current_a, raised_a, lowered_a)
    return np.where(next_a < MIN_CHARGING_CURRENT_A, 0.0, next_a)
