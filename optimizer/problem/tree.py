"""The tree of feeders, and the points at which power meets it."""

from __future__ import annotations

from dataclasses import dataclass

from cpms.domain.plan import ChargingNeed, PlanRequest
from cpms.domain.units import Phase, power_kw


@dataclass(frozen=True)
class Point:
    """A vehicle or battery in the tree: its feeder and phases, its grid of setpoints [A per phase] (None: any power) and what it may
    deliver at most [kW]. Limits count it on `counted_phases` (empty: its own), `counted_ratio` times in kW, and with all that it is
    told, `told_per_drawn` times what it draws."""

    feeder_id: str
    phases: tuple[Phase, ...]
    step_a: float | None
    most_delivered_kw: float = 0.0
    counted_phases: tuple[Phase, ...] = ()
    counted_ratio: float = 1.0
    told_per_drawn: float = 1.0


def points_of(request: PlanRequest) -> tuple[Point, ...]:
    """Needs, then stationary batteries, then the single phase of each need that may switch to it: the columns of `Limits.share`."""
    needs = [_point(request, need) for need in request.needs]
    batteries = [Point(one.feeder_id, one.phases, None, one.max_discharge_kw) for one in request.batteries]
    singles = [_single(request, request.needs[n]) for n in switchers_of(request)]
    return (*needs, *batteries, *singles)


def switchers_of(request: PlanRequest) -> tuple[int, ...]:
    """Needs that may switch to a single phase."""
    return tuple(n for n, need in enumerate(request.needs) if need.switching is not None)


def single_point_of(request: PlanRequest) -> dict[int, int]:
    """The point of the single phase of each need that may switch to it."""
    first = len(request.needs) + len(request.batteries)
    return {n: first + k for k, n in enumerate(switchers_of(request))}


def points_now(request: PlanRequest) -> list[int]:
    """The point at which each need draws at this moment, and what is frozen of it."""
    single = single_point_of(request)
    return [single[n] if n in single and need.on_single_phase else n for n, need in enumerate(request.needs)]


def _point(request: PlanRequest, need: ChargingNeed) -> Point:
    return Point(
        need.feeder_id,
        need.phases,
        step_a=need.step_a if need.draws_a is None else None,
        most_delivered_kw=_giving_kw(request, need, len(need.phases)),
        counted_phases=need.counted_phases,
        counted_ratio=need.counted_ratio,
        told_per_drawn=need.told_per_drawn,
    )


def _single(request: PlanRequest, need: ChargingNeed) -> Point:
    phases = need.phases if need.switching is None else (need.switching.single,)
    return Point(need.feeder_id, phases, need.step_a, _giving_kw(request, need, len(phases)))


def _giving_kw(request: PlanRequest, need: ChargingNeed, phase_count: int) -> float:
    return 0.0 if need.v2g is None else power_kw(need.v2g.max_discharge_a, request.voltage_v, phase_count)


def path(request: PlanRequest, feeder_id: str) -> list[str]:
    """Ids of the feeders from `feeder_id` to the root."""
    parents = {feeder.feeder_id: feeder.parent_id for feeder in request.feeders}
    ids = []
    above: str | None = feeder_id
    while above is not None:
        ids.append(above)
        above = parents[above]
    return ids
