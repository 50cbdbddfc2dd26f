"""A site's tariff."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import GRID_MANAGER, VIEWER
from api.dependencies import ServicesDep
from api.schemas.common import Id
from api.schemas.tariffs import TariffBody
from cpms.domain.errors import NotFound

router = APIRouter(prefix="/sites/{site_id}/tariff", tags=["tariffs"])


@router.put("", dependencies=[GRID_MANAGER])
async def put_tariff(site_id: Id, body: TariffBody, services: ServicesDep) -> TariffBody:
    """Replace a site's tariff."""
    tariff = body.to_domain(await services.store.site(site_id))
    await services.store.put_tariff(site_id, tariff)
    await services.live.tariff_changed(site_id)
    return TariffBody.of(tariff)


@router.get("", dependencies=[VIEWER])
async def read_tariff(site_id: Id, services: ServicesDep) -> TariffBody:
    """A site's tariff."""
    await services.store.site(site_id)
    tariff = await services.store.tariff(site_id)
    if tariff is None:
        raise NotFound(f"Site {site_id} has no tariff; give it one with PUT.")
    return TariffBody.of(tariff)
