"""Questions about a plan and their answers: its reasons in full, what if, how much could move. Money in the site's currency."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.common import Body, Id, Instant, Shown, View
from api.schemas.plans import BindingLimitView, IntervalView, RelaxedLimitView
from cpms.domain.plan import PlanStatus
from cpms.domain.site import Site
from optimizer.questions.change import Difference, NeedChange
from optimizer.questions.explanation import Explanation
from optimizer.questions.flexibility import Flexibility, Shift
from optimizer.questions.priorities import PriorityPrice
from optimizer.questions.what_if import WhatIf

MOST_CHANGED_NEEDS = 100


class PriorityPriceView(View):
    """What a session's priority brings it, takes from others, and adds to the bill."""

    session_id: str
    gained_kwh: Shown
    lost_kwh: dict[str, Shown] = Field(description="By session; below 0 where it gains too")
    added_cost: Shown

    @classmethod
    def of(cls, price: PriorityPrice) -> PriorityPriceView:
        """A priority's price."""
        return cls(
            session_id=price.session_id,
            gained_kwh=price.gained_kwh,
            lost_kwh=price.lost_kwh,
            added_cost=price.added_cost,
        )


class WhatIfView(View):
    """What would change. The best plans differ by something between `saving_at_least` and `saving_at_most`."""

    saving: Shown = Field(description="Objective of the plan less that of the other; a cost if below 0")
    saving_at_least: Shown | None
    saving_at_most: Shown | None
    peak_change_kw: Shown
    shortfall_change_kwh: dict[str, Shown] = Field(description="By session, those that do not change left out")
    status: PlanStatus
    gap: float | None

    @classmethod
    def of(cls, seen: WhatIf) -> WhatIfView:
        """The difference between two plans."""
        return cls(
            saving=seen.saving,
            saving_at_least=seen.saving_at_least,
            saving_at_most=seen.saving_at_most,
            peak_change_kw=seen.after.peak_kw - seen.before.peak_kw,
            shortfall_change_kwh={
                session: kwh for session, kwh in seen.shortfall_change_kwh.items() if abs(kwh) >= 0.001
            },
            status=seen.after.status,
            gap=seen.after.gap,
        )


class ExplanationView(View):
    """Why the plan is as it is, and what planning is worth."""

    plan_id: str
    currency: str
    binding: list[BindingLimitView]
    relaxed: list[RelaxedLimitView]
    cost_by_term: dict[str, float]
    priorities: list[PriorityPriceView]
    one_more_kw: WhatIfView | None = Field(
        description="If the grid connection had one more kW; null without certificate"
    )
    saving_against_rule: Shown = Field(description="Of the bill, against charging by priority and departure alone")
    served_more_kwh: Shown = Field(description="Than charging by priority and departure would")

    @classmethod
    def of(cls, seen: Explanation, site: Site) -> ExplanationView:
        """The reasons of a plan of `site`."""
        return cls(
            plan_id=seen.made.id,
            currency=site.currency,
            binding=[BindingLimitView.of(limit, seen.made, site) for limit in seen.binding],
            relaxed=[RelaxedLimitView.of(limit, seen.made) for limit in seen.relaxed],
            cost_by_term=seen.cost_by_term,
            priorities=[PriorityPriceView.of(price) for price in seen.priorities],
            one_more_kw=None if seen.one_more_kw is None else WhatIfView.of(seen.one_more_kw),
            saving_against_rule=seen.saving_against_rule,
            served_more_kwh=seen.served_more_kwh,
        )


class NeedChangeBody(Body):
    """What a session would need instead; what is left out stays."""

    session_id: Id
    energy_kwh: Annotated[float, Field(ge=0, le=2000)] | None = None
    departs_at: Instant | None = None
    priority: Annotated[int, Field(ge=0, le=9)] | None = None


class WhatIfBody(Body):
    """Everything that would be different, at once."""

    more_grid_kw: Annotated[float, Field(ge=-100_000, le=100_000)] = 0.0
    without_priorities: bool = False
    needs: Annotated[list[NeedChangeBody], Field(max_length=MOST_CHANGED_NEEDS)] = Field(default_factory=list)

    def to_domain(self) -> Difference:
        """As the planner takes it."""
        needs = tuple(NeedChange(n.session_id, n.energy_kwh, n.departs_at, n.priority) for n in self.needs)
        return Difference(self.more_grid_kw, self.without_priorities, needs)


class ShiftView(View):
    """What could be moved, and what that costs."""

    energy_kwh: Shown
    cost: Shown
    price_per_kwh: Shown
    change_kw: list[Shown] = Field(description="Of net import, per step")

    @classmethod
    def of(cls, shift: Shift) -> ShiftView:
        """A shift."""
        return cls(
            energy_kwh=shift.energy_kwh,
            cost=shift.cost,
            price_per_kwh=shift.price_per_kwh,
            change_kw=list(shift.change_kw),
        )


class FlexibilityView(View):
    """How much of the import in an interval could be shed or added, when, and at what price."""

    starts_at: datetime
    ends_at: datetime
    price_limit_per_kwh: float
    currency: str
    steps: list[IntervalView]
    shed: ShiftView
    added: ShiftView

    @classmethod
    def of(cls, seen: Flexibility, site: Site) -> FlexibilityView:
        """What could be moved at `site`."""
        return cls(
            starts_at=seen.starts_at,
            ends_at=seen.ends_at,
            price_limit_per_kwh=seen.price_limit_per_kwh,
            currency=site.currency,
            steps=[IntervalView.of(step) for step in seen.before.steps],
            shed=ShiftView.of(seen.shed),
            added=ShiftView.of(seen.added),
        )
