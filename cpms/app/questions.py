"""Questions about plans: answered one at a time, in a quiet process of their own, so that no plan ever waits for an answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cpms.app.planner import Workers
from cpms.domain.plan import Plan, PlanRequest

Answer = TypeVar("Answer")

NICENESS = 10
ANSWER_TIME_LIMIT_S = 2.0
"""For each solve of an answer: a question is asked by somebody who waits."""


@dataclass
class Questions:
    """The process that answers; it is started by the first question. `timeout_s`: for all solves of one answer together."""

    timeout_s: float
    _workers: Workers | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, answer: Callable[[PlanRequest, Plan], Answer], request: PlanRequest, made: Plan) -> Answer:
        """What `answer` says about the plan `made` of `request`; PlanFailed if that takes too long."""
        async with self._one_at_a_time:
            if self._workers is None:
                self._workers = Workers(1, self.timeout_s)
                await self._workers.start(warm=False)
            return await self._workers.run(_quietly, answer, request, made)

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._workers is not None:
            self._workers.stop()


def _quietly(answer: Callable[[PlanRequest, Plan], Answer], request: PlanRequest, made: Plan) -> Answer:
    os.nice(max(0, NICENESS - os.nice(0)))
    return answer(replace(request, time_limit_s=min(request.time_limit_s, ANSWER_TIME_LIMIT_S)), made)
