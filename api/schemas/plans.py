"""The current plan with its certificate and its reasons, and earlier plans."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.phase_reasons import SinglePhaseStretch, single_phase_stretches, why_on_one_phase
from api.reasons import in_words
from api.schemas.common import Shown, View
from cpms.domain.binding import BindingLimit, RelaxedLimit
from cpms.domain.plan import Plan, PlanStatus, SessionPlan
from cpms.domain.site import Site
from cpms.domain.time import Interval
from cpms.domain.units import Phase
from data.control import PlanSummary


class IntervalView(View):
    """`[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, interval: Interval) -> IntervalView:
        """An interval."""
        return cls(starts_at=interval.starts_at, ends_at=interval.ends_at)


class SinglePhaseView(View):
    """A stretch of a plan in which a session charges on one phase alone."""

    starts_at: datetime
    ends_at: datetime
    phase: Phase
    text: str = Field(
        description="Why",
        examples=["on L1 alone from 10:15 to 11:30: 3.2 kW is less than the 4.14 kW that its phases take at least"],
    )

    @classmethod
    def of(cls, stretch: SinglePhaseStretch, plan: Plan, site: Site) -> SinglePhaseView:
        """A stretch of `plan`."""
        return cls(
            starts_at=plan.steps[stretch.first].starts_at,
            ends_at=plan.steps[stretch.last].ends_at,
            phase=stretch.phase,
            text=why_on_one_phase(stretch, plan, site),
        )


class SessionPlanView(View):
    """What a session gets per step, and what it will be short of at departure."""

    session_id: str
    station_id: str
    connector_id: int
    current_a: list[Shown] = Field(description="Per step, A per phase")
    power_kw: list[Shown] = Field(description="Per step, kW")
    shortfall_kwh: Shown
    single_phase: list[SinglePhaseView] = Field(description="When it is switched to one of its phases, and why")

    @classmethod
    def of(cls, session: SessionPlan, plan: Plan, site: Site) -> SessionPlanView:
        """A session of `plan`."""
        return cls(
            session_id=session.session_id,
            station_id=session.connector.station_id,
            connector_id=session.connector.connector_id,
            current_a=list(session.current_a),
            power_kw=list(session.power_kw),
            shortfall_kwh=session.shortfall_kwh,
            single_phase=[SinglePhaseView.of(stretch, plan, site) for stretch in single_phase_stretches(session, site)],
        )


class BindingLimitView(View):
    """A limit that holds the plan back, and what one more kW there would save."""

    step: int
    starts_at: datetime
    feeder_id: str
    phase: Phase | None = Field(description="null for limits in kW")
    limit: Shown
    unit: str
    shadow_price_per_kw: float = Field(description="Money saved by one more kW in this step")
    reason: str
    text: str = Field(
        examples=["grid connection limits L1 to 125 A at 18:15; one more kW would save 0.12 EUR"],
        description="The same in words, at the site's local time",
    )

    @classmethod
    def of(cls, limit: BindingLimit, plan: Plan, site: Site) -> BindingLimitView:
        """A binding limit of `plan`."""
        starts_at = plan.steps[limit.step].starts_at
        return cls(
            step=limit.step,
            starts_at=starts_at,
            feeder_id=limit.feeder_id,
            phase=limit.phase,
            limit=limit.limit,
            unit=limit.unit,
            shadow_price_per_kw=limit.shadow_price_per_kw,
            reason=limit.reason,
            text=in_words(limit, site, starts_at),
        )


class RelaxedLimitView(View):
    """A limit that no plan could keep, and by how much."""

    step: int
    starts_at: datetime
    feeder_id: str
    phase: Phase | None
    excess: Shown
    unit: str

    @classmethod
    def of(cls, limit: RelaxedLimit, plan: Plan) -> RelaxedLimitView:
        """A relaxed limit of `plan`."""
        return cls(
            step=limit.step,
            starts_at=plan.steps[limit.step].starts_at,
            feeder_id=limit.feeder_id,
            phase=limit.phase,
            excess=limit.excess,
            unit=limit.unit,
        )


class PlanSummaryView(View):
    """How good a plan is: `objective - bound` is at most `gap * objective` away from the best there can be."""

    id: str
    made_at: datetime
    status: PlanStatus
    objective: float | None = Field(description="Money, penalties included")
    bound: float | None
    gap: float | None
    cpu_s: float

    @classmethod
    def of_summary(cls, summary: PlanSummary) -> PlanSummaryView:
        """A stored plan's summary."""
        return cls(
            id=summary.id,
            made_at=summary.made_at,
            status=summary.status,
            objective=summary.objective,
            bound=summary.bound,
            gap=summary.gap,
            cpu_s=summary.cpu_s,
        )


class PlanView(PlanSummaryView):
    """A plan, step by step, with its reasons."""

    site_id: str
    request_id: str
    currency: str
    peak_kw: Shown
    steps: list[IntervalView]
    sessions: list[SessionPlanView]
    binding: list[BindingLimitView]
    relaxed: list[RelaxedLimitView]
    cost_by_term: dict[str, float]
    note: str

    @classmethod
    def of(cls, plan: Plan, site: Site) -> PlanView:
        """A plan of `site`."""
        return cls(
            id=plan.id,
            made_at=plan.made_at,
            status=plan.status,
            objective=plan.objective,
            bound=plan.bound,
            gap=plan.gap,
            cpu_s=plan.cpu_s,
            site_id=plan.site_id,
            request_id=plan.request_id,
            currency=site.currency,
            peak_kw=plan.peak_kw,
            steps=[IntervalView.of(step) for step in plan.steps],
            sessions=[SessionPlanView.of(session, plan, site) for session in plan.sessions],
            binding=[BindingLimitView.of(limit, plan, site) for limit in plan.binding],
            relaxed=[RelaxedLimitView.of(limit, plan) for limit in plan.relaxed],
            cost_by_term=plan.cost_by_term,
            note=plan.note,
        )
