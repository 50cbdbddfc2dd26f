"""Readings of meters on feeders."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from api.auth import OPERATOR, VIEWER
from api.dependencies import ServicesDep
from api.schemas.common import Id, Instant, Items
from api.schemas.measurements import AcceptedMeasurements, MeasurementsBody, MeasurementView
from cpms.domain.errors import InvalidInput

router = APIRouter(prefix="/sites/{site_id}/measurements", tags=["measurements"])

DEFAULT_HISTORY = timedelta(hours=1)


@router.post("", status_code=202, dependencies=[OPERATOR])
async def add_measurements(site_id: Id, body: MeasurementsBody, services: ServicesDep) -> AcceptedMeasurements:
    """Hand in readings; they are stored when this is answered, and guard the limits even if they cannot be. Of two readings of one
    feeder and instant what the later says counts, and what only the earlier says."""
    site = services.live.site(site_id) or await services.store.site(site_id)
    measurements = body.to_domain(site, services.clock.now())
    await services.live.measured(measurements)
    await services.store.add_measurements(measurements)
    return AcceptedMeasurements(accepted=len(measurements))


@router.get("", dependencies=[VIEWER])
async def list_measurements(
    site_id: Id, services: ServicesDep, since: Instant | None = None, feeder_id: Id | None = None
) -> Items[MeasurementView]:
    """Readings of a feeder (default: the grid connection) from `since` on (default: the last hour), oldest first."""
    site = await services.store.site(site_id)
    if feeder_id is not None and feeder_id not in site.feeder_by_id:
        raise InvalidInput("feeder_id", f"{feeder_id!r} is not a feeder", f"use {sorted(site.feeder_by_id)}")
    since = since or services.clock.now() - DEFAULT_HISTORY
    measurements = await services.store.measurements(site_id, feeder_id or site.root.id, since)
    return Items(items=[MeasurementView.of(measurement) for measurement in measurements])
