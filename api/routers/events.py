"""The utility's demand-response events."""

from __future__ import annotations

from uuid import uuid4

from fastapi import APIRouter

from api.auth import GRID_MANAGER, VIEWER
from api.dependencies import ServicesDep
from api.ports import Services
from api.safety import require_safe_change
from api.schemas.common import Id, Instant, Items
from api.schemas.limits import EventBody, EventView

router = APIRouter(prefix="/sites/{site_id}/events", tags=["events"])


@router.post("", status_code=201, dependencies=[GRID_MANAGER])
async def create_event(site_id: Id, body: EventBody, services: ServicesDep) -> EventView:
    """Add an event. Refused where it could not be kept safely."""
    return await _put(site_id, uuid4().hex, body, services)


@router.put("/{event_id}", dependencies=[GRID_MANAGER])
async def put_event(site_id: Id, event_id: Id, body: EventBody, services: ServicesDep) -> EventView:
    """Add or replace an event; a cancelled one becomes active again."""
    return await _put(site_id, event_id, body, services)


@router.get("", dependencies=[VIEWER])
async def list_events(site_id: Id, services: ServicesDep, since: Instant | None = None) -> Items[EventView]:
    """Events, cancelled ones included; with `since`, those that end later."""
    await services.store.site(site_id)
    now = services.clock.now()
    return Items(items=[EventView.of(event, now) for event in await services.store.events(site_id, since=since)])


@router.delete("/{event_id}", dependencies=[GRID_MANAGER])
async def cancel_event(site_id: Id, event_id: Id, services: ServicesDep) -> EventView:
    """Cancel an event; it stays in the list."""
    event = await services.store.cancel_event(site_id, event_id)
    await services.live.events_changed(site_id)
    return EventView.of(event, services.clock.now())


async def _put(site_id: str, event_id: str, body: EventBody, services: Services) -> EventView:
    async with services.configuring:
        site = await services.store.site(site_id)
        event = body.to_domain(site_id, event_id)
        await require_safe_change(services, site, events=[event])
        await services.store.put_event(event)
    await services.live.events_changed(site_id)
    return EventView.of(event, services.clock.now())
