"""How much of a site's import could be shed or added in an interval, when, and at what price: two solves beside the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cpms.domain.contract import GridConnection, SetpointBand
from cpms.domain.errors import InvalidInput
from cpms.domain.plan import Plan, PlanRequest
from cpms.domain.units import power_kw
from optimizer.planner import plan


@dataclass(frozen=True)
class Shift:
    """Another plan and what it changes: `change_kw[t]` [kW] of net import by step, `energy_kwh` [kWh] shed or added in the interval,
    and `cost` [money] of that, `price_per_kwh` of each kWh (0 where nothing can be moved)."""

    plan: Plan
    change_kw: tuple[float, ...]
    energy_kwh: float
    cost: float

    @property
    def price_per_kwh(self) -> float:
        """Mean price per kWh [money]."""
        return self.cost / self.energy_kwh if self.energy_kwh > 1e-6 else 0.0


@dataclass(frozen=True)
class Flexibility:
    """What could be moved in `[starts_at, ends_at)` at a price of at most `price_limit_per_kwh` [money per kWh]."""

    starts_at: datetime
    ends_at: datetime
    price_limit_per_kwh: float
    before: Plan
    shed: Shift
    added: Shift


def flexibility(
    request: PlanRequest,
    starts_at: datetime,
    ends_at: datetime,
    price_limit_per_kwh: float,
    before: Plan | None = None,
) -> Flexibility:
    """Plan anew with a reward of `price_limit_per_kwh` for every kWh less, and for every kWh more, in the steps that begin in the
    interval; `before`: the plan of the request, if it is known.

    A kWh is moved only where that costs less than the reward; drivers' needs are worth what they are in any plan.
    """
    if ends_at <= starts_at:
        raise InvalidInput("ends_at", f"{ends_at} is not after {starts_at}", "give an interval that lasts")
    inside = tuple(starts_at <= step.starts_at < ends_at for step in request.steps)
    if not any(inside):
        raise InvalidInput("starts_at", "no step of the request begins in the interval", "give a longer interval")
    known = before if before is not None else plan(request)
    least_kw, most_kw = _reach_kw(request)
    low = tuple(kw if one else None for kw, one in zip(least_kw, inside, strict=True))
    high = tuple(kw if one else None for kw, one in zip(most_kw, inside, strict=True))
    free = (None,) * len(inside)
    return Flexibility(
        starts_at=starts_at,
        ends_at=ends_at,
        price_limit_per_kwh=price_limit_per_kwh,
        before=known,
        shed=_shifted(request, known, SetpointBand(free, low, price_limit_per_kwh)),
        added=_shifted(request, known, SetpointBand(high, free, price_limit_per_kwh)),
    )


def _reach_kw(request: PlanRequest) -> tuple[list[float], list[float]]:
    """Least and most net import per step [kW] if everybody gave or took at maximum: what is asked for, so that the reward counts from
    as near as possible."""
    giving_kw = sum(battery.max_discharge_kw for battery in request.batteries)
    taking_kw = sum(battery.max_charge_kw for battery in request.batteries)
    for need in request.needs:
        phases = len(need.phases)
        taking_kw += power_kw(need.draws_a or need.max_current_a, request.voltage_v, phases)
        giving_kw += power_kw(need.v2g.max_discharge_a, request.voltage_v, phases) if need.v2g else 0.0
    meters: tuple[PlanRequest | GridConnection, ...] = (request, *request.connections)
    base_kw = [
        sum(meter.other_load_kw[t] - meter.solar_kw[t] for meter in meters)
        + sum(load.mean_kw[t] for load in request.uncertain)
        for t in range(len(request.steps))
    ]
    return [kw - giving_kw for kw in base_kw], [kw + taking_kw for kw in base_kw]


def _shifted(request: PlanRequest, before: Plan, band: SetpointBand) -> Shift:
    """The plan that the band rewards, and what it moves towards it; nothing where, within its certificate, that is not worth it."""
    after = plan(replace(request, bands=(*request.bands, band)), start=before)
    change_kw = tuple(b - a for a, b in zip(before.import_kw, after.import_kw, strict=True))
    off_kwh, before_kwh = (_off_kwh(request, band, made.import_kw) for made in (after, before))
    moved_kwh = before_kwh - off_kwh
    cost = (after.objective or 0.0) - band.penalty_per_kwh * off_kwh - (before.objective or 0.0)
    if moved_kwh <= 0 or cost > band.penalty_per_kwh * moved_kwh:
        return Shift(before, (0.0,) * len(change_kw), 0.0, 0.0)
    return Shift(after, change_kw, moved_kwh, cost)


def _off_kwh(request: PlanRequest, band: SetpointBand, import_kw: tuple[float, ...]) -> float:
    """How much energy [kWh] of net import is outside a band."""
    return sum(step.duration_h * _off_kw(band, t, import_kw[t]) for t, step in enumerate(request.steps))


def _off_kw(band: SetpointBand, t: int, import_kw: float) -> float:
    least, most = band.least_kw[t], band.most_kw[t]
    under = 0.0 if least is None else max(0.0, least - import_kw)
    return under + (0.0 if most is None else max(0.0, import_kw - most))
