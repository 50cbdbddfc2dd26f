"""The current plan with its reasons, and earlier plans."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from api.auth import VIEWER
from api.dependencies import ServicesDep
from api.schemas.common import Id, Instant, Items
from api.schemas.plans import PlanSummaryView, PlanView
from cpms.domain.errors import NotFound

router = APIRouter(prefix="/sites/{site_id}", tags=["plans"])

DEFAULT_HISTORY = timedelta(hours=24)


@router.get("/plan", dependencies=[VIEWER])
async def read_plan(site_id: Id, services: ServicesDep) -> PlanView:
    """The plan in force: its certificate, every session's setpoints, and which limits hold it back at what price."""
    site = await services.store.site(site_id)
    plan = await services.store.current_plan(site_id)
    if plan is None:
        raise NotFound(f"Site {site_id} has no plan yet; there is one shortly after its first session begins.")
    return PlanView.of(plan, site)


@router.get("/plans", dependencies=[VIEWER])
async def list_plans(site_id: Id, services: ServicesDep, since: Instant | None = None) -> Items[PlanSummaryView]:
    """How good plans were; by default those of the last 24 h."""
    await services.store.site(site_id)
    since = since or services.clock.now() - DEFAULT_HISTORY
    return Items(items=[PlanSummaryView.of_summary(s) for s in await services.store.plan_summaries(site_id, since)])
