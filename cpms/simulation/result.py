"""What a day came to under one controller."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from cpms.domain.tariff import EnergyBill, bill
from cpms.simulation.plant import Plant
from cpms.simulation.record import LimitRecord
from cpms.simulation.scenario import Day, Visit
from cpms.simulation.vehicle import FloatArray

MET_WITHIN_KWH = 0.1
"""A need is met if no more than this [kWh] is missing."""
BILLING_STEP_S = 900


@dataclass(frozen=True)
class VisitResult:
    """What one vehicle got [kWh], and what its driver was owed [kWh]."""

    visit: Visit
    energy_kwh: float

    @property
    def shortfall_kwh(self) -> float:
        """What is missing [kWh] of what was due."""
        return max(0.0, self.visit.due_kwh - self.energy_kwh)

    @property
    def met(self) -> bool:
        """Whether the need was met."""
        return self.shortfall_kwh <= MET_WITHIN_KWH


@dataclass(frozen=True)
class DayResult:
    """A day under `controller`. Powers per minute from the day's start: `connector_kw` minutes x connectors, `net_kw` import."""

    controller: str
    visits: tuple[VisitResult, ...]
    bill: EnergyBill
    currency: str
    limits: tuple[LimitRecord, ...]
    connector_kw: FloatArray = field(repr=False, compare=False)
    net_kw: FloatArray = field(repr=False, compare=False)

    @property
    def energy_kwh(self) -> float:
        """Energy into vehicles [kWh]."""
        return sum(visit.energy_kwh for visit in self.visits)

    @property
    def needs_met(self) -> int:
        """Drivers who got what they were owed."""
        return sum(visit.met for visit in self.visits)

    @property
    def shortfall_kwh(self) -> float:
        """Energy [kWh] missing in all."""
        return sum(visit.shortfall_kwh for visit in self.visits)

    @property
    def cost(self) -> Decimal:
        """Energy and demand, in whole cents."""
        return self.bill.total.quantize(Decimal("0.01"))

    @property
    def overload_s(self) -> int:
        """Seconds [s] above any limit, the worst limit counted."""
        return max((limit.overload_s for limit in self.limits), default=0)


@dataclass(frozen=True)
class DemoResult:
    """What a demo came to: ours first, then the comparisons; plan summaries, sessions and alarms as the API tells them."""

    day: Day
    results: tuple[DayResult, ...]
    plans: tuple[dict[str, Any], ...]
    sessions: tuple[dict[str, Any], ...]
    alarms: tuple[dict[str, Any], ...]
    restarts: int


def result_of(controller: str, plant: Plant, delivered_kwh: dict[Visit, float]) -> DayResult:
    """Close the books on a plant that has lived its day; `delivered_kwh` [kWh] per visit."""
    day = plant.day
    steps = plant.second // BILLING_STEP_S
    net_kw = plant.record.net_kw[: plant.second // 60]
    means_kw = net_kw[: steps * BILLING_STEP_S // 60].reshape(steps, -1).mean(axis=1)
    starts_at = [day.starts_at + timedelta(seconds=BILLING_STEP_S * n) for n in range(steps)]
    return DayResult(
        controller=controller,
        visits=tuple(VisitResult(visit, kwh) for visit, kwh in delivered_kwh.items()),
        bill=bill(day.tariff, starts_at, [float(kw) for kw in means_kw], BILLING_STEP_S),
        currency=day.tariff.currency,
        limits=plant.record.limits(),
        connector_kw=np.array(plant.record.connector_kw),
        net_kw=np.array(net_kw),
    )
