"""Batteries of a situation.

    {"id": "b", "feeder": "grid", "capacity_kwh": 100, "stored_kwh": 50, "max_kw": 50, "max_charge_kw": 40, "max_discharge_kw": 50,
     "charge_efficiency": 0.95, "discharge_efficiency": 0.95, "wear_per_kwh": 0.02, "reserve_kwh": 10, "final_value_per_kwh": 0.2,
     "phases": "L1L2L3"}

`max_kw` holds for both directions where one is not given.
"""

from __future__ import annotations

from cpms.domain.need import VehicleToGrid
from cpms.domain.storage import Battery
from optimizer.situations.document import Document


def battery_of(one: Document, feeder_id: str) -> Battery:
    """The battery that a part of a situation describes; `feeder_id`: where it is if it does not say."""
    both_ways_kw = one.maybe("max_kw")
    return Battery(
        battery_id=one.text("id"),
        feeder_id=one.text("feeder", feeder_id),
        capacity_kwh=one.number("capacity_kwh"),
        stored_kwh=one.number("stored_kwh"),
        max_charge_kw=one.number("max_charge_kw", both_ways_kw),
        max_discharge_kw=one.number("max_discharge_kw", both_ways_kw),
        charge_efficiency=one.number("charge_efficiency", 0.95),
        discharge_efficiency=one.number("discharge_efficiency", 0.95),
        wear_per_kwh=one.number("wear_per_kwh", 0.0),
        reserve_kwh=one.number("reserve_kwh", 0.0),
        final_value_per_kwh=one.maybe("final_value_per_kwh"),
        phases=one.phases(),
    )


def v2g_of(one: Document) -> VehicleToGrid:
    """What a session's vehicle may give back."""
    return VehicleToGrid(
        floor_kwh=one.number("floor_kwh"),
        max_discharge_a=one.number("max_a"),
        min_discharge_a=one.number("min_a", 6.0),
        efficiency=one.number("efficiency", 0.85),
        wear_per_kwh=one.number("wear_per_kwh", 0.0),
    )
