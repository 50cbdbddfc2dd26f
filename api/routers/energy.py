"""Energy of a site over time."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import VIEWER
from api.dependencies import ServicesDep
from api.schemas.common import Id, Instant
from api.schemas.energy import EnergySeries, EnergyView
from cpms.domain.errors import InvalidInput
from cpms.domain.time import Interval, Resolution, floor_time, local_steps
from data.quarter_energy import QUARTER_S

router = APIRouter(prefix="/sites/{site_id}/energy", tags=["energy"])

DEFAULT_HISTORY = timedelta(hours=24)
MOST_STEPS = 20_000
"""A quarter hour's steps of about seven months; with connectors, of all of them together."""


class By(enum.Enum):
    """Whose energy is told."""

    SITE = "site"
    CONNECTOR = "connector"


@router.get("", dependencies=[VIEWER])
async def read_energy(
    site_id: Id,
    services: ServicesDep,
    since: Annotated[Instant | None, Query(alias="from", description="Default: 24 h before `to`")] = None,
    until: Annotated[
        Instant | None, Query(alias="to", description="At most, and by default, the present quarter hour")
    ] = None,
    resolution: Resolution = Resolution.QUARTER,
    by: By = By.SITE,
) -> EnergyView:
    """Energy given to vehicles in whole quarter hours, hours or days of the site's time that have a part in `[from, to)`; also of a
    site that is retired. The last quarter hours grow until their stations have told all."""
    site = await services.store.site(site_id, retired=True)
    present = floor_time(services.clock.now(), QUARTER_S)
    until = min(until or present, present)
    steps = _steps(since or until - DEFAULT_HISTORY, until, resolution, site.timezone)
    await services.store.reckon_energy(present, site_id)
    if by is By.SITE:
        series = [EnergySeries.of(None, await services.store.energy(site_id, steps))]
    else:
        connectors = await services.store.connector_energy(site_id, steps)
        _require_few(len(connectors) * len(steps))
        series = [EnergySeries.of(key, told) for key, told in connectors.items()]
    return EnergyView(site_id=site_id, timezone=site.timezone, resolution=resolution, series=series)


def _steps(since: datetime, until: datetime, resolution: Resolution, timezone: str) -> list[Interval]:
    if until <= since:
        raise InvalidInput(
            "from", f"is not before {until.isoformat()}", "give an earlier instant, or a later `to` that is over"
        )
    steps = list(islice(local_steps(since, until, resolution, timezone), MOST_STEPS + 1))
    _require_few(len(steps))
    return steps


def _require_few(count: int) -> None:
    if count > MOST_STEPS:
        raise InvalidInput("resolution", f"makes more than {MOST_STEPS} steps", "ask for less time, or coarser")
