"""A program once written, for other limits: where nothing else differs, only right-hand sides do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cpms.domain.plan import PlanRequest
from optimizer.model.formulation import LinearProgram
from optimizer.model.topics.feeders import loaded_limits
from optimizer.problem.horizon import Horizon


def with_limits_of(program: LinearProgram, before: Horizon, now: Horizon) -> LinearProgram | None:
    """The program of `before` as that of `now`; None where more differs than what limits leave, or a row is missing."""
    if any(topic.knows_limits for topic in program.topics) or not _same_but_for_limits(before, now):
        return None
    if np.any(before.limits.headroom_kw < 0) or np.any(now.limits.headroom_kw < 0):
        return None
    index = program.row_index.get("limit", [])
    if not loaded_limits(now, program.flows) <= set(index):
        return None
    row_upper = program.row_upper.copy()
    row_upper[program.rows.get("limit", slice(0, 0))] = [now.limits.headroom_kw[key] for key in index]
    return replace(program, row_upper=row_upper)


def _same_but_for_limits(before: Horizon, now: Horizon) -> bool:
    return (
        _without_limits(before.request) == _without_limits(now.request)
        and np.array_equal(before.slots.need, now.slots.need)
        and np.array_equal(before.slots.step, now.slots.step)
        and [(key.feeder.feeder_id, key.phase) for key in before.limits.keys]
        == [(key.feeder.feeder_id, key.phase) for key in now.limits.keys]
    )


def _without_limits(request: PlanRequest) -> PlanRequest:
    return replace(request, feeders=tuple(replace(one, limit_a=(), import_kw=(), reason=()) for one in request.feeders))
