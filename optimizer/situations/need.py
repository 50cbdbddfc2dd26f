"""A session of a situation (JSON) into a ChargingNeed. Times are hours after the situation's start.

    {"id": "a", "feeder": "garage", "need_kwh": 20, "leaves_h": 3, "arrives_h": 0, "phases": "L1L2L3", "min_a": 6, "max_a": 16,
     "step_a": 0.1, "priority": 0, "set_a": 0, "draws_a": 2, "setpoints_a": [0, 6, 10, 16], "frozen_a": [10, 10],
     "max_starts": 2, "max_rise_a_per_min": 1,
     "battery": {"capacity_kwh": 60, "soc": 0.3, "acceptance": [[0.8, 11], [1, 2]]}, "minimum_now_kwh": 3,
     "targets": [{"energy_kwh": 5, "due_h": 1, "weight": 1}], "likely": [{"energy_kwh": 12, "departs_h": 2, "probability": 0.5}, ...],
     "switching": {"single": "L1", "dwell_min": 10, "on_single_phase": true, "switched_h": -0.1},
     "v2g": {"floor_kwh": 20, "max_a": 16, "min_a": 6, "efficiency": 0.85, "wear_per_kwh": 0.05}, "revenue_per_kwh": 0.5}

Only `id`, `leaves_h` and `need_kwh` are needed; with a battery `need_soc` may be given instead of it. `likely` is instead of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey
from cpms.domain.need import AcceptancePoint, EnergyTarget, LikelyStay, PhaseSwitching, VehicleBattery
from cpms.domain.plan import ChargingNeed
from cpms.domain.time import Interval
from cpms.domain.units import Phase
from optimizer.situations.document import Document
from optimizer.situations.storage import v2g_of


def need_of(one: Document, feeder_id: str, starts_at: datetime, steps: Sequence[Interval]) -> ChargingNeed:
    """The need of a session; `feeder_id`: where it is if it does not say."""
    session_id, battery, v2g = one.text("id"), one.part("battery"), one.part("v2g")
    vehicle = _battery(battery) if battery is not None else None
    likely = tuple(_likely(stay, starts_at) for stay in one.parts("likely"))
    for name in ("need_kwh", "need_soc", "leaves_h"):
        if likely and one.has(name):
            raise InvalidInput(f"{one.path}.{name}", "is in likely already", "leave one of them out")
    need = ChargingNeed(
        session_id=session_id,
        connector=ConnectorKey(one.text("station", session_id), one.whole("connector", 1)),
        feeder_id=one.text("feeder", feeder_id),
        energy_kwh=max(stay.energy_kwh for stay in likely) if likely else _energy_kwh(one, vehicle),
        departs_at=max(stay.departs_at for stay in likely) if likely else one.instant("leaves_h", starts_at),
        phases=one.phases(),
        max_current_a=one.number("max_a", 16.0),
        min_current_a=one.number("min_a", 6.0),
        step_a=one.number("step_a", 0.1),
        priority=one.whole("priority", 0),
        current_a=one.number("set_a", 0.0),
        draws_a=one.maybe("draws_a"),
        arrives_at=one.instant("arrives_h", starts_at) if one.has("arrives_h") else None,
        setpoints_a=one.numbers("setpoints_a"),
        frozen_a=one.numbers("frozen_a"),
        battery=vehicle,
        minimum_now_kwh=one.number("minimum_now_kwh", 0.0),
        targets=tuple(_target(target, starts_at) for target in one.parts("targets")),
        likely=likely,
        max_starts=one.whole("max_starts") if one.has("max_starts") else None,
        max_rise_a_per_min=one.maybe("max_rise_a_per_min"),
        v2g=v2g_of(v2g) if v2g is not None else None,
        revenue_per_kwh=one.series("revenue_per_kwh", starts_at, steps) if one.has("revenue_per_kwh") else (),
    )
    switching = one.part("switching")
    return need if switching is None else _switched(need, switching, starts_at)


def _energy_kwh(one: Document, battery: VehicleBattery | None) -> float:
    need_soc = one.maybe("need_soc")
    if need_soc is None:
        return one.number("need_kwh")
    if battery is None or one.has("need_kwh"):
        problem = "is given besides need_kwh" if battery is not None else "says nothing without a battery"
        raise InvalidInput(f"{one.path}.need_soc", problem, "give need_kwh, or need_soc with a battery")
    if not 0 <= need_soc <= 1:
        raise InvalidInput(
            f"{one.path}.need_soc", f"{need_soc:g} is not in [0, 1]", "give a state of charge from 0 to 1"
        )
    return battery.energy_to_kwh(need_soc)


def _battery(one: Document) -> VehicleBattery:
    points = tuple(AcceptancePoint(soc, power_kw) for soc, power_kw in one.pairs("acceptance"))
    return VehicleBattery(one.number("capacity_kwh"), one.number("soc"), points)


def _switched(need: ChargingNeed, one: Document, starts_at: datetime) -> ChargingNeed:
    return replace(
        need,
        switching=PhaseSwitching(one.choice("single", Phase.L1), one.seconds("dwell_min", 10.0)),
        on_single_phase=one.flag("on_single_phase"),
        switched_at=one.instant("switched_h", starts_at) if one.has("switched_h") else None,
    )


def _target(one: Document, starts_at: datetime) -> EnergyTarget:
    return EnergyTarget(one.number("energy_kwh"), one.instant("due_h", starts_at), one.number("weight", 1.0))


def _likely(one: Document, starts_at: datetime) -> LikelyStay:
    return LikelyStay(one.number("energy_kwh"), one.instant("departs_h", starts_at), one.number("probability"))
