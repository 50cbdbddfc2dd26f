"""What would be if something were different: the plan for it, and between which two numbers the saving must lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import FeederCap, Plan, PlanRequest, PlanStatus
from cpms.domain.units import current_a
from optimizer.model.other_limits import only_limits_differ
from optimizer.planner import Solved, solve
from optimizer.questions.memory import MEMORY

Change = Callable[[PlanRequest], PlanRequest]


@dataclass(frozen=True)
class WhatIf:
    """Two plans and what lies between them [money]; a saving below 0 is a cost.

    `saving_at_least` and `saving_at_most` follow from the certificates and hold for the best plans there are, not only for those
    found; None where a plan has no certificate. `shortfall_change_kwh` by session that both plans know.
    """

    before: Plan
    after: Plan
    saving: float
    saving_at_least: float | None
    saving_at_most: float | None
    shortfall_change_kwh: dict[str, float]


def what_if(request: PlanRequest, before: Plan | Solved, change: Change) -> WhatIf:
    """Solve the changed request, beginning at the plan for the unchanged one; where only limits change, in its model and from its
    vertex, which are remembered."""
    known = before.plan if isinstance(before, Solved) else before
    if known.request_id != request.id:
        raise InvalidInput("before", f"is the plan of {known.request_id!r}", f"give the plan of {request.id!r}")
    changed = change(request)
    if isinstance(before, Plan) and known.status is not PlanStatus.FALLBACK and only_limits_differ(request, changed):
        before = MEMORY.of(request, known)
    after = solve(changed, start=before).plan
    short = {session.session_id: session.shortfall_kwh for session in known.sessions}
    return WhatIf(
        before=known,
        after=after,
        saving=(known.objective or 0.0) - (after.objective or 0.0),
        saving_at_least=_difference(known.bound, after.objective),
        saving_at_most=_difference(known.objective, after.bound),
        shortfall_change_kwh={
            session.session_id: session.shortfall_kwh - short[session.session_id]
            for session in after.sessions
            if session.session_id in short
        },
    )


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def more_grid(more_kw: float) -> Change:
    """Every limit of the grid connection raised by `more_kw` [kW], a third of it on each phase."""

    def change(request: PlanRequest) -> PlanRequest:
        return replace(request, feeders=tuple(_raised(request, feeder, more_kw) for feeder in request.feeders))

    return change


def _raised(request: PlanRequest, feeder: FeederCap, more_kw: float) -> FeederCap:
    if feeder.parent_id is not None:
        return feeder
    more_a = current_a(more_kw, feeder.voltage_v or request.voltage_v, 3)
    return replace(
        feeder,
        limit_a=tuple(limit_a + more_a for limit_a in feeder.limit_a),
        import_kw=tuple(None if limit is None else limit + more_kw for limit in feeder.import_kw),
    )


def without_priorities(request: PlanRequest) -> PlanRequest:
    """Everybody alike: against it one sees what a session's priority costs the others."""
    return replace(request, needs=tuple(replace(need, priority=0) for need in request.needs))
