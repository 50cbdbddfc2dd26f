"""Work on a cycle, and sooner when something changed."""

from __future__ import annotations

import asyncio

from cpms.domain.time import Clock


async def changed_or_due(changed: asyncio.Event, clock: Clock, cycle_s: float) -> None:
    """Wait until `changed` is set, at most `cycle_s` seconds [s] of `clock`. The event stays as it is."""
    waiting = {asyncio.ensure_future(changed.wait()), asyncio.ensure_future(clock.sleep(cycle_s))}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
