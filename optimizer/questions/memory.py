"""What was made of the plan that was asked about last: most questions are about the same one; its model is half an answer's time."""

from __future__ import annotations

from cpms.domain.plan import Plan, PlanRequest
from optimizer.planner import Solved, recalled


class Memory:
    """Keeps the last one; of another plan everything is made again."""

    def __init__(self) -> None:
        self._last: Solved | None = None

    def of(self, request: PlanRequest, made: Plan) -> Solved:
        """All that belongs to `made`, the plan of `request`."""
        last = self._last
        if last is None or last.plan != made or last.request != request:
            last = self._last = recalled(request, made)
        return last


MEMORY = Memory()
"""Of this process: questions are answered in one of their own, one at a time."""
