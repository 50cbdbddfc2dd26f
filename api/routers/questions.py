"""Questions about the plan in force: its reasons in full, what would be if, and how much could be shed or added."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query

from api.auth import VIEWER
from api.dependencies import ServicesDep
from api.ports import Services
from api.schemas.common import Id, Instant
from api.schemas.questions import ExplanationView, FlexibilityView, WhatIfBody, WhatIfView
from cpms.domain.errors import NotFound
from cpms.domain.plan import Plan, PlanRequest
from optimizer.questions.change import Difference
from optimizer.questions.explanation import explain
from optimizer.questions.flexibility import Flexibility, flexibility
from optimizer.questions.what_if import WhatIf, what_if

router = APIRouter(prefix="/sites/{site_id}", tags=["questions"])

Answer = TypeVar("Answer")


async def _ask(services: Services, site_id: str, answer: Callable[[PlanRequest, Plan], Answer]) -> Answer:
    said = await services.live.ask(site_id, answer)
    if said is None:
        raise NotFound(
            f"Site {site_id} has no plan since the start; there is one shortly after its first session begins."
        )
    return said


@router.get("/plan/explanation", dependencies=[VIEWER])
async def explain_plan(site_id: Id, services: ServicesDep) -> ExplanationView:
    """Every reason of the plan in force: limits with their prices, costs, what priorities cost, what one more kW of grid would save,
    and what planning saves against a simple rule. Takes some solves, seconds at a large site."""
    site = await services.store.site(site_id)
    return ExplanationView.of(await _ask(services, site_id, explain), site)


def _what_if(request: PlanRequest, made: Plan, difference: Difference) -> WhatIf:
    return what_if(request, made, difference)


@router.post("/plan/what-if", dependencies=[VIEWER])
async def ask_what_if(site_id: Id, body: WhatIfBody, services: ServicesDep) -> WhatIfView:
    """What would change if the site had more (or less) grid, nobody priority, or sessions other needs. Nothing is changed by it."""
    await services.store.site(site_id)
    return WhatIfView.of(await _ask(services, site_id, partial(_what_if, difference=body.to_domain())))


def _flexibility(
    request: PlanRequest, made: Plan, starts_at: Instant, ends_at: Instant, price_limit_per_kwh: float
) -> Flexibility:
    return flexibility(request, starts_at, ends_at, price_limit_per_kwh, made)


@router.get("/flexibility", dependencies=[VIEWER])
async def read_flexibility(
    site_id: Id,
    services: ServicesDep,
    starts_at: Instant,
    ends_at: Instant,
    price_limit_per_kwh: Annotated[float, Query(gt=0, le=1000)] = 1.0,
) -> FlexibilityView:
    """How much of the site's import could be shed or added in an interval, when, and at what price, as far as a kWh costs no more than
    the limit."""
    site = await services.store.site(site_id)
    answer = partial(_flexibility, starts_at=starts_at, ends_at=ends_at, price_limit_per_kwh=price_limit_per_kwh)
    return FlexibilityView.of(await _ask(services, site_id, answer), site)
