"""Everything a plan can say about itself: what holds it back, what it costs, what priorities cost, what one more kW of grid would
bring, and what planning saves against a rule."""

from __future__ import annotations

from dataclasses import dataclass

from cpms.domain.binding import BindingLimit, RelaxedLimit
from cpms.domain.plan import Plan, PlanRequest, PlanStatus
from optimizer.planner import plan_by_rule
from optimizer.questions.priorities import PriorityPrice, paid, priority_prices
from optimizer.questions.what_if import WhatIf, more_grid, what_if

ONE_MORE_KW = 1.0


@dataclass(frozen=True)
class Explanation:
    """The reasons of a plan, beyond those that it carries itself.

    `priorities`: what each session that goes before others gains, takes and costs. `one_more_kw`: the plan if the grid connection
    had a kW more throughout; None for a plan by rule. `by_rule`: everybody as much as fits, by priority and departure.
    """

    made: Plan
    priorities: tuple[PriorityPrice, ...]
    one_more_kw: WhatIf | None
    by_rule: Plan

    @property
    def binding(self) -> tuple[BindingLimit, ...]:
        """Limits that hold the plan back, by step."""
        return self.made.binding

    @property
    def relaxed(self) -> tuple[RelaxedLimit, ...]:
        """Limits that no plan could keep, by step."""
        return self.made.relaxed

    @property
    def cost_by_term(self) -> dict[str, float]:
        """Money by named term of the objective."""
        return self.made.cost_by_term

    @property
    def saving_against_rule(self) -> float:
        """What the plan's bill (energy, demand and all else that somebody is paid) is below that of the rule [money]."""
        return paid(self.by_rule) - paid(self.made)

    @property
    def served_more_kwh(self) -> float:
        """Energy that sessions get by the plan and not by the rule [kWh]."""
        return _short_kwh(self.by_rule) - _short_kwh(self.made)


def explain(request: PlanRequest, made: Plan) -> Explanation:
    """The reasons of `made`, the plan of `request`; as many solves as there are sessions with a priority, and one.

    Shadow prices (of `binding`) are what the first kW is worth; `one_more_kw` is what a whole one is, between two certificates.
    """
    return Explanation(
        made=made,
        priorities=tuple(priority_prices(request, made)),
        one_more_kw=what_if(request, made, more_grid(ONE_MORE_KW)) if made.status is not PlanStatus.FALLBACK else None,
        by_rule=plan_by_rule(request),
    )


def _short_kwh(made: Plan) -> float:
    return sum(session.shortfall_kwh for session in made.sessions)
