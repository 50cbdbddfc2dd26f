"""The past of a recorded day: what had happened by its start, brought along as a network that moves to us would do it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cpms.simulation.platform import Platform
from cpms.simulation.scenario import Day
from cpms.simulation.server_process import ServerFailed, ServerProcess, run_cpms

READY_WITHIN_S = 60.0
TRAINED_WITHIN_S = 120.0
LOOK_EVERY_S = 0.2


async def bring_past(server: ServerProcess, platform: Platform, day: Day, sessions: Path) -> str:
    """Import the sessions that ended before the day, and start the server anew: it trains at once what there is enough data for.

    Returns what the import said. The clock stands still meanwhile. ServerFailed if training takes too long.
    """
    await server.stop()
    said = await run_cpms(
        server.environment,
        *("sessions", "import", str(sessions), "--site", day.site.id, "--until", day.starts_at.isoformat()),
    )
    await server.start(READY_WITHIN_S)
    try:
        async with asyncio.timeout(TRAINED_WITHIN_S):
            while await platform.training_rounds() == 0:  # noqa: ASYNC110  another process has no event
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError as error:
        raise ServerFailed(f"forecasts were not trained within {TRAINED_WITHIN_S:g} s") from error
    return said
