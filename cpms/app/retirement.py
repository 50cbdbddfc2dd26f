"""Stations out of service: who slipped in while its key was taken away is sent off, and room is given back when leases are over."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from cpms.app.live import LiveProcess
from cpms.domain.time import Clock

LOOK_EVERY_REAL_S = 5.0
SLIPPED_IN_WITHIN = timedelta(minutes=10)
"""A connection that was opened while its station was retired is found within this."""


async def see_off_retired(live: LiveProcess, clock: Clock) -> None:
    """Do so for ever; supervised by the caller."""
    while True:
        retired = await live.store.retired_stations(clock.now() - SLIPPED_IN_WITHIN)
        for station_id in retired & live.connected():
            await live.gateway.disconnect(station_id, "the station is retired")
        await live.release_retired()
        await asyncio.sleep(LOOK_EVERY_REAL_S)
