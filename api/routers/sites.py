"""Sites: what they are made of, and what goes on there."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import ADMIN, VIEWER
from api.dependencies import ServicesDep
from api.safety import require_safe_change
from api.schemas.common import Id, Items
from api.schemas.sites import NewSite, SiteBody, SiteConfiguration
from api.schemas.state import SiteView
from cpms.domain.errors import Conflict, InvalidInput

router = APIRouter(prefix="/sites", tags=["sites"])


@router.post("", status_code=201, dependencies=[ADMIN])
async def create_site(body: NewSite, services: ServicesDep) -> SiteConfiguration:
    """Create a site."""
    site = body.to_domain(body.id)
    async with services.configuring:
        if any(known.id == site.id for known in await services.store.sites()):
            raise Conflict(f"Site {site.id} exists; change it with PUT /api/v1/sites/{site.id}.")
        await require_safe_change(services, site, limits=())
        await services.store.put_site(site)
    await services.live.site_changed(site.id)
    return SiteConfiguration.of(site)


@router.get("", dependencies=[VIEWER])
async def list_sites(services: ServicesDep) -> Items[SiteConfiguration]:
    """Every site as it is configured."""
    return Items(items=[SiteConfiguration.of(site) for site in await services.store.sites()])


@router.get("/{site_id}", dependencies=[VIEWER])
async def read_site(site_id: Id, services: ServicesDep) -> SiteView:
    """A site as it is configured, and its live state: connectors with power, limit, worst case and session; feeders with
    headroom. `live` is null while no controller runs for it."""
    site = await services.store.site(site_id)
    return SiteView.with_state(site, services.live.site_state(site_id))


@router.put("/{site_id}", dependencies=[ADMIN])
async def change_site(site_id: Id, body: SiteBody, services: ServicesDep) -> SiteConfiguration:
    """Replace a site's configuration; its stations stay."""
    if body.id not in (None, site_id):
        raise InvalidInput("id", f"{body.id} is not the one in the path", "leave it out; a site keeps its id")
    async with services.configuring:
        known = await services.store.site(site_id)
        site = body.to_domain(site_id, known.stations)
        await require_safe_change(services, site)
        await services.store.put_site(site)
    await services.live.site_changed(site_id)
    return SiteConfiguration.of(site)


@router.delete("/{site_id}", status_code=204, dependencies=[ADMIN])
async def retire_site(site_id: Id, services: ServicesDep) -> None:
    """Take a site without stations out of service; its history stays. Refused while it has stations: retire these first."""
    async with services.configuring:
        await services.store.retire_site(site_id, services.clock.now())
    await services.live.site_retired(site_id)
