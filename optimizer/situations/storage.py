"""Batteries of a situation.

    {"id": "b", "feeder": "grid", "capacity_kwh": 100, "stored_kwh": 50, "max_kw": 50, "max_charge_kw": 40, "max_discharge_kw": 50,
     "charge_efficiency": 0.95, "discharge_efficiency": 0.95, "wear_per_kwh": 0.02, "reserve_kwh": 10, "final_value_per_kwh": 0.2,
     "phases": "L1L2L3"}

`max_kw` holds for both directions where one is not given.
"""

from __future__ import annotations

from cpms.domain.need import VehicleToGrid
from cpms.domain.storage import Battery
from optimizer.situations.document import Document, phases_of


def battery_of(one: Document, document: Document) -> Battery:
    """The battery that a part of a situation describes."""
    final_value = one.get("final_value_per_kwh")
    return Battery(
        battery_id=one["id"],
        feeder_id=one.get("feeder", document["feeders"][0]["id"]),
        capacity_kwh=float(one["capacity_kwh"]),
        stored_kwh=float(one["stored_kwh"]),
        max_charge_kw=float(one["max_charge_kw"] if "max_charge_kw" in one else one["max_kw"]),
        max_discharge_kw=float(one["max_discharge_kw"] if "max_discharge_kw" in one else one["max_kw"]),
        charge_efficiency=float(one.get("charge_efficiency", 0.95)),
        discharge_efficiency=float(one.get("discharge_efficiency", 0.95)),
        wear_per_kwh=float(one.get("wear_per_kwh", 0.0)),
        reserve_kwh=float(one.get("reserve_kwh", 0.0)),
        final_value_per_kwh=None if final_value is None else float(final_value),
        phases=phases_of(one.get("phases", "L1L2L3")),
    )


def v2g_of(one: Document) -> VehicleToGrid:
    """What a session's vehicle may give back."""
    return VehicleToGrid(
        floor_kwh=float(one["floor_kwh"]),
        max_discharge_a=float(one["max_a"]),
        min_discharge_a=float(one.get("min_a", 6.0)),
        efficiency=float(one.get("efficiency", 0.85)),
        wear_per_kwh=float(one.get("wear_per_kwh", 0.0)),
    )
