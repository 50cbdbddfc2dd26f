"""A session of a situation (JSON) into a ChargingNeed. Times are hours after the situation's start.

    {"id": "a", "feeder": "garage", "need_kwh": 20, "leaves_h": 3, "arrives_h": 0, "phases": "L1L2L3", "min_a": 6, "max_a": 16,
     "step_a": 0.1, "priority": 0, "set_a": 0, "setpoints_a": [0, 6, 10, 16], "frozen_a": [10, 10],
     "max_starts": 2, "max_rise_a_per_min": 1,
     "battery": {"capacity_kwh": 60, "soc": 0.3, "acceptance": [[0.8, 11], [1, 2]]}, "minimum_now_kwh": 3,
     "targets": [{"energy_kwh": 5, "due_h": 1, "weight": 1}], "likely": [{"energy_kwh": 12, "departs_h": 2, "probability": 0.5}, ...],
     "switching": {"single": "L1", "dwell_min": 10, "on_single_phase": true, "switched_h": -0.1},
     "v2g": {"floor_kwh": 20, "max_a": 16, "min_a": 6, "efficiency": 0.85, "wear_per_kwh": 0.05}, "revenue_per_kwh": 0.5}

Only `id`, `leaves_h` and `need_kwh` are needed; with a battery `need_soc` may be given instead of it. With `likely` neither is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cpms.domain.identity import ConnectorKey
from cpms.domain.need import AcceptancePoint, EnergyTarget, LikelyStay, PhaseSwitching, VehicleBattery
from cpms.domain.plan import ChargingNeed
from cpms.domain.time import Interval
from cpms.domain.units import Phase
from optimizer.situations.document import Document, phases_of, series
from optimizer.situations.storage import v2g_of


def need_of(one: Document, feeder_id: str, starts_at: datetime, steps: Sequence[Interval]) -> ChargingNeed:
    """The need of a session; `feeder_id`: where it is if it does not say."""
    battery = _battery(one["battery"]) if "battery" in one else None
    likely = tuple(_likely(stay, starts_at) for stay in one.get("likely", ()))
    return ChargingNeed(
        session_id=one["id"],
        connector=ConnectorKey(one.get("station", one["id"]), int(one.get("connector", 1))),
        feeder_id=one.get("feeder", feeder_id),
        energy_kwh=max(stay.energy_kwh for stay in likely) if likely else _energy_kwh(one, battery),
        departs_at=max(stay.departs_at for stay in likely) if likely else _after(starts_at, one["leaves_h"]),
        phases=phases_of(one.get("phases", "L1L2L3")),
        max_current_a=float(one.get("max_a", 16.0)),
        min_current_a=float(one.get("min_a", 6.0)),
        step_a=float(one.get("step_a", 0.1)),
        priority=int(one.get("priority", 0)),
        current_a=float(one.get("set_a", 0.0)),
        arrives_at=_after(starts_at, one["arrives_h"]) if "arrives_h" in one else None,
        setpoints_a=tuple(float(current_a) for current_a in one.get("setpoints_a", ())),
        frozen_a=tuple(float(current_a) for current_a in one.get("frozen_a", ())),
        battery=battery,
        minimum_now_kwh=float(one.get("minimum_now_kwh", 0.0)),
        targets=tuple(_target(target, starts_at) for target in one.get("targets", ())),
        likely=likely,
        max_starts=int(one["max_starts"]) if "max_starts" in one else None,
        max_rise_a_per_min=float(one["max_rise_a_per_min"]) if "max_rise_a_per_min" in one else None,
        v2g=v2g_of(one["v2g"]) if "v2g" in one else None,
        switching=_switching(one["switching"]) if "switching" in one else None,
        on_single_phase=bool(one.get("switching", {}).get("on_single_phase", False)),
        switched_at=_after(starts_at, one["switching"]["switched_h"])
        if "switched_h" in one.get("switching", {})
        else None,
        revenue_per_kwh=series(one["revenue_per_kwh"], starts_at, steps) if "revenue_per_kwh" in one else (),
    )


def _after(starts_at: datetime, hours: Any) -> datetime:
    return starts_at + timedelta(hours=float(hours))


def _energy_kwh(one: Document, battery: VehicleBattery | None) -> float:
    if battery is not None and "need_soc" in one:
        return battery.energy_to_kwh(float(one["need_soc"]))
    return float(one["need_kwh"])


def _battery(one: Document) -> VehicleBattery:
    points = tuple(AcceptancePoint(float(soc), float(kw)) for soc, kw in one.get("acceptance", ()))
    return VehicleBattery(float(one["capacity_kwh"]), float(one["soc"]), points)


def _switching(one: Document) -> PhaseSwitching:
    return PhaseSwitching(Phase(one.get("single", "L1")), 60.0 * float(one.get("dwell_min", 10.0)))


def _target(one: Document, starts_at: datetime) -> EnergyTarget:
    return EnergyTarget(float(one["energy_kwh"]), _after(starts_at, one["due_h"]), float(one.get("weight", 1.0)))


def _likely(one: Document, starts_at: datetime) -> LikelyStay:
    return LikelyStay(float(one["energy_kwh"]), _after(starts_at, one["departs_h"]), float(one["probability"]))
