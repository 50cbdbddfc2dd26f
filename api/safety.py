"""Invariant G1 at the door: a configuration that could not be kept below its limits is refused before it is stored.

Callers hold `services.configuring` from the check until the change is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from api.ports import Services
from cpms.domain.errors import InvalidInput
from cpms.domain.grid import DemandResponseEvent, GridLimit, LimitTimeline, require_safe
from cpms.domain.site import Site


async def require_safe_change(
    services: Services,
    site: Site,
    *,
    limits: Sequence[GridLimit] | None = None,
    events: Sequence[DemandResponseEvent] = (),
) -> None:
    """UnsafeConfiguration unless `site` stays within every limit with `limits` instead of the stored ones (None: with
    those) and `events` added to the stored ones, which they replace by id."""
    now = services.clock.now()
    if limits is None:
        limits = await services.store.limits(site.id)
    _require_known_feeders(site, limits)
    replaced = {event.id for event in events}
    kept = [event for event in await services.store.events(site.id, since=now) if event.id not in replaced]
    # A second of work with hundreds of limits and stations: in a thread, so that nothing live waits for it.
    await asyncio.to_thread(require_safe, LimitTimeline.of(site, limits, [*kept, *events]), now)


def _require_known_feeders(site: Site, limits: Sequence[GridLimit]) -> None:
    for limit in limits:
        if limit.feeder_id not in site.feeder_by_id:
            raise InvalidInput(
                "feeders",
                f"have no {limit.feeder_id!r}, on which limit {limit.id} lies",
                "keep the feeder, or replace the limits first",
            )
