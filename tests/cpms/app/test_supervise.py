import asyncio
import logging
from datetime import UTC, datetime

import pytest

from cpms.app.supervise import Supervisor
from cpms.domain.time import ManualClock

CLOCK = ManualClock(datetime(2024, 6, 12, tzinfo=UTC))


async def test_a_task_that_fails_is_started_again_and_seen_in_health(caplog: pytest.LogCaptureFixture) -> None:
    supervisor, second_start, attempts = Supervisor(CLOCK), asyncio.Event(), []

    async def work() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("the cable is cut")
        second_start.set()
        await asyncio.Event().wait()

    with caplog.at_level(logging.ERROR):
        supervisor.run("reader", work)
        await asyncio.wait_for(second_start.wait(), 5)
    health = supervisor.health["reader"]
    assert (health.ok, health.restarts, health.detail) == (True, 1, "OSError: the cable is cut")
    assert "task reader failed" in caplog.text
    await supervisor.stop()
