"""Long-lived tasks: each is watched, logged when it fails, started again, and seen in health."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from cpms.domain.errors import CpmsError
from cpms.domain.time import Clock

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
HEALTHY_AFTER_S = 60.0
"""A task that ran this long before it failed starts again with the first pause."""


@dataclass
class TaskHealth:
    """How a supervised task is doing."""

    name: str
    ok: bool = True
    detail: str = ""
    since: datetime | None = None
    restarts: int = 0


@dataclass
class Supervisor:
    """Runs tasks for ever and starts them again when they fail."""

    clock: Clock
    health: dict[str, TaskHealth] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Start `work` under `name`; it is started again whenever it fails, with growing pauses."""
        self.health[name] = TaskHealth(name, since=self.clock.now())
        self._tasks[name] = asyncio.create_task(self._keep(name, work), name=name)

    async def stop(self) -> None:
        """End all tasks."""
        await self.end(*self._tasks)

    async def end(self, *names: str) -> None:
        """End some tasks; their health is told no longer."""
        tasks = [self._tasks.pop(name) for name in names]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for name in names:
            del self.health[name]

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        while True:
            started_s = loop.time()
            try:
                await work()
                raise CpmsError("It ended, and should not.")
            except Exception as error:  # the one supervised boundary of every long-lived task
                log.exception("task %s failed; it starts again in %.1f s", name, pause_s)
                self._failed(name, error)
            if loop.time() - started_s > HEALTHY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            self._recovered(name)

    def _failed(self, name: str, error: Exception) -> None:
        health = self.health[name]
        health.ok, health.detail, health.since = False, f"{type(error).__name__}: {error}", self.clock.now()

    def _recovered(self, name: str) -> None:
        health = self.health[name]
        health.ok, health.since = True, self.clock.now()
        health.restarts += 1
