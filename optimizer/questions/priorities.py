"""What priorities cost: of every session that goes before others, what it gains by that, what others lose, and in money.

Two solves for each: the plan, and the plan if that session were like everybody (of the lowest priority in use).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cpms.domain.plan import Plan, PlanRequest
from optimizer.questions.what_if import Change, what_if

PREFERENCES = ("shortfall", "unserved", "late", "unequal", "early_energy", "interruption")
"""Terms of the objective that weigh wishes and are paid to nobody."""

LITTLE_KWH = 0.05


@dataclass(frozen=True)
class PriorityPrice:
    """What the priority of a session means: energy it gains [kWh], energy others lose by it [kWh], and what it adds to the site's bill
    (energy, demand and all else that is paid) [money]."""

    session_id: str
    gained_kwh: float
    lost_kwh: dict[str, float]
    added_cost: float


def like_everybody(session_id: str) -> Change:
    """One session of the lowest priority in use."""

    def change(request: PlanRequest) -> PlanRequest:
        lowest = min(need.priority for need in request.needs)
        needs = (replace(need, priority=lowest) if need.session_id == session_id else need for need in request.needs)
        return replace(request, needs=tuple(needs))

    return change


def priority_prices(request: PlanRequest, made: Plan) -> Iterator[PriorityPrice]:
    """The price of every priority above the lowest, in the order of needs; each takes a plan's time.

    Where nobody lacks anything it is 0 without another plan: of the lowest priority, too, a kWh is worth more than it costs to serve.
    (Of a vehicle that gives back perhaps not: it draws all of its last setpoint, whatever it lacks.)
    """
    lowest = min((need.priority for need in request.needs), default=0)
    enough = _nobody_lacks(made) and all(need.v2g is None for need in request.needs)
    for need in request.needs:
        if need.priority > lowest and enough:
            yield PriorityPrice(need.session_id, gained_kwh=0.0, lost_kwh={}, added_cost=0.0)
        elif need.priority > lowest:
            seen = what_if(request, made, like_everybody(need.session_id))
            change_kwh = seen.shortfall_change_kwh
            yield PriorityPrice(
                session_id=need.session_id,
                gained_kwh=change_kwh[need.session_id],
                lost_kwh={
                    other: -kwh
                    for other, kwh in change_kwh.items()
                    if other != need.session_id and abs(kwh) > LITTLE_KWH
                },
                added_cost=paid(made) - paid(seen.after),
            )


def _nobody_lacks(made: Plan) -> bool:
    """Whether sessions have what they need at their departure, and of targets before."""
    return sum(session.shortfall_kwh + sum(session.late_kwh) for session in made.sessions) <= LITTLE_KWH


def paid(made: Plan) -> float:
    """What a plan costs in money that somebody gets [money]."""
    return sum(cost for term, cost in made.cost_by_term.items() if term not in PREFERENCES)
