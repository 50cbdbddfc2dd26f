"""What a session may need beyond energy by a departure: its battery, stages on the way, what is uncertain, how it may be steered."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cpms.domain.errors import InvalidInput
from cpms.domain.units import MIN_CHARGING_CURRENT_A, Phase


class Fairness(enum.Enum):
    """How sessions of one priority share what is scarce, by the share of its need that each gets.

    HALF_FIRST: the first half of a need counts more than the second half of others', beyond that who costs least is served.
    PROPORTIONAL: about the greatest sum of need_kwh * log(share), in eight pieces.
    MAX_MIN: the smallest share, of what each could have alone, is as large as possible; then as HALF_FIRST. With several priorities
    in use it is so of the highest, and of the others as far as that costs no kWh of a higher one.
    """

    HALF_FIRST = "half_first"
    PROPORTIONAL = "proportional"
    MAX_MIN = "max_min"


@dataclass(frozen=True)
class AcceptancePoint:
    """At the state of charge `soc` (0 to 1) a vehicle takes at most `power_kw` [kW]."""

    soc: float
    power_kw: float


@dataclass(frozen=True)
class VehicleBattery:
    """`capacity_kwh` [kWh, as the meter at the connector counts it], filled to `soc` (0 to 1) at the first step.

    `acceptance`: linear between points of rising `soc`, level before the first and after the last, never rising: what tapers.
    """

    capacity_kwh: float
    soc: float
    acceptance: tuple[AcceptancePoint, ...] = ()

    def energy_to_kwh(self, soc: float) -> float:
        """Energy [kWh] from now to a state of charge (0 to 1); 0 where it is reached."""
        return max(0.0, (soc - self.soc) * self.capacity_kwh)


@dataclass(frozen=True)
class VehicleToGrid:
    """What a vehicle may give back between arrival and departure; its `VehicleBattery` has to be known.

    Discharge is 0 or between `min_discharge_a` and `max_discharge_a` [A per phase], on the grid of setpoints, never while charging.
    It never takes the vehicle below `floor_kwh`, which is the driver's, and what is given back counts as needed again.
    `efficiency`: what comes back of a kWh that was charged; `wear_per_kwh`: money per kWh given.

    Plans only: profiles of OCPP 1.6 and 2.0.1 cannot ask for discharging, 2.1 (block Q) is the first that can; no station is asked to.
    """

    floor_kwh: float
    max_discharge_a: float
    min_discharge_a: float = MIN_CHARGING_CURRENT_A
    efficiency: float = 0.85
    wear_per_kwh: float = 0.0


@dataclass(frozen=True)
class PhaseSwitching:
    """A connector that can be told to charge on the phase `single` alone instead of on all of its phases.

    After a switch it stays as it is for at least `min_dwell_s` [s], charging or not: contactors wear, and some vehicles take a quick
    change for a fault. (OCPP 1.6 9.4.4 ConnectorSwitch3to1PhaseSupported; 2.0.1 SmartChargingCtrlr.Phases3to1.)
    """

    single: Phase = Phase.L1
    min_dwell_s: float = 600.0


@dataclass(frozen=True)
class EnergyTarget:
    """A stage on the way: `energy_kwh` [kWh, from the first step on] by `due_at`.

    A kWh that is late costs `price_per_kwh` [money], or if that is None `weight` times what one missing at departure costs.
    """

    energy_kwh: float
    due_at: datetime
    weight: float = 1.0
    price_per_kwh: float | None = None


@dataclass(frozen=True)
class LikelyStay:
    """One way an uncertain session may go: it wants `energy_kwh` [kWh] and departs at `departs_at`, with a `probability`."""

    energy_kwh: float
    departs_at: datetime
    probability: float


def likely_stays(stays: Sequence[tuple[float, datetime]]) -> tuple[LikelyStay, ...]:
    """Equally likely pairs of energy [kWh] and departure; InvalidInput if there are none."""
    if not stays:
        raise InvalidInput("likely", "there are none", "give at least one")
    return tuple(LikelyStay(energy_kwh, departs_at, 1.0 / len(stays)) for energy_kwh, departs_at in stays)
