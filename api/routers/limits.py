"""The operator's limits."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import GRID_MANAGER, VIEWER
from api.dependencies import ServicesDep
from api.safety import require_safe_change
from api.schemas.common import Id, Items
from api.schemas.limits import LimitsBody, LimitView

router = APIRouter(prefix="/sites/{site_id}/limits", tags=["limits"])


@router.put("", dependencies=[GRID_MANAGER])
async def replace_limits(site_id: Id, body: LimitsBody, services: ServicesDep) -> Items[LimitView]:
    """Replace the operator's limits. Refused where they, with what else limits the site, could not be kept safely."""
    async with services.configuring:
        site = await services.store.site(site_id)
        limits = body.to_domain(site)
        await require_safe_change(services, site, limits=limits)
        await services.store.replace_limits(site_id, limits)
    await services.live.limits_changed(site_id)
    return Items(items=[LimitView.of(limit) for limit in limits])


@router.get("", dependencies=[VIEWER])
async def list_limits(site_id: Id, services: ServicesDep) -> Items[LimitView]:
    """The operator's limits."""
    await services.store.site(site_id)
    return Items(items=[LimitView.of(limit) for limit in await services.store.limits(site_id)])
