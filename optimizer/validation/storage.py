"""What batteries must be like before anything is computed from them."""

from __future__ import annotations

from cpms.domain.errors import InvalidInput
from cpms.domain.need import VehicleToGrid
from cpms.domain.plan import ChargingNeed
from cpms.domain.storage import Battery
from optimizer.validation.require import (
    require_between,
    require_finite,
    require_known,
    require_positive,
    require_unique,
)

LEAST_EFFICIENCY = 0.1
"""Below this a number is a percentage or a mistake."""

MOST_CURRENT_A = 2000.0
"""Above this a current is in the wrong unit."""


def require_batteries(batteries: tuple[Battery, ...], feeders: set[str]) -> None:
    """InvalidInput naming the first field of a battery that cannot be planned with."""
    require_unique("batteries", [battery.battery_id for battery in batteries])
    for battery in batteries:
        _require_battery(f"batteries[{battery.battery_id}]", battery, feeders)


def _require_battery(name: str, battery: Battery, feeders: set[str]) -> None:
    require_known(f"{name}.feeder_id", battery.feeder_id, feeders)
    require_positive(f"{name}.capacity_kwh", battery.capacity_kwh)
    require_between(f"{name}.stored_kwh", battery.stored_kwh, 0.0, battery.capacity_kwh)
    require_between(f"{name}.reserve_kwh", battery.reserve_kwh, 0.0, battery.capacity_kwh)
    for field in ("max_charge_kw", "max_discharge_kw", "wear_per_kwh"):
        require_between(f"{name}.{field}", getattr(battery, field), 0.0, float("inf"))
    require_efficiencies(name, battery.charge_efficiency, battery.discharge_efficiency)
    if battery.final_value_per_kwh is not None:
        require_finite(f"{name}.final_value_per_kwh", [battery.final_value_per_kwh])
    if not battery.phases or len(set(battery.phases)) != len(battery.phases):
        raise InvalidInput(f"{name}.phases", f"{battery.phases} are none or repeated", "give one to three phases")


def require_efficiencies(name: str, charge: float, discharge: float) -> None:
    """InvalidInput unless both are shares of 1."""
    require_between(f"{name}.charge_efficiency", charge, LEAST_EFFICIENCY, 1.0)
    require_between(f"{name}.discharge_efficiency", discharge, LEAST_EFFICIENCY, 1.0)


def require_v2g(name: str, need: ChargingNeed, v2g: VehicleToGrid) -> None:
    """InvalidInput naming the first field of what a vehicle may give back that cannot be planned with."""
    if need.battery is None:
        raise InvalidInput(f"{name}.battery", "is not known, but the vehicle may give energy back", "give its battery")
    require_between(f"{name}.v2g.floor_kwh", v2g.floor_kwh, 0.0, need.battery.capacity_kwh)
    require_between(f"{name}.v2g.min_discharge_a", v2g.min_discharge_a, 0.0, float("inf"))
    require_between(f"{name}.v2g.max_discharge_a", v2g.max_discharge_a, v2g.min_discharge_a, MOST_CURRENT_A)
    require_between(f"{name}.v2g.efficiency", v2g.efficiency, LEAST_EFFICIENCY, 1.0)
    require_between(f"{name}.v2g.wear_per_kwh", v2g.wear_per_kwh, 0.0, float("inf"))
