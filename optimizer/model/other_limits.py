"""A program once written, for other limits: where nothing else differs, only right-hand sides do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from cpms.domain.plan import PlanRequest
from optimizer.model.formulation import LinearProgram
from optimizer.model.topics.feeders import loaded_limits
from optimizer.problem.horizon import Horizon


def with_limits_of(program: LinearProgram, before: Horizon, now: Horizon) -> LinearProgram | None:
    """The program of `before` as that of `now`; None where more differs than what limits leave."""
    if any(topic.knows_limits for topic in program.topics) or not _same_but_for_limits(before, now):
        return None
    if np.any(before.limits.headroom_kw < 0) or np.any(now.limits.headroom_kw < 0):
        return None
    if "limit" not in program.rows:
        return program if not any(loaded_limits(now, program.flows)) else None
    wider = _with_rows(program, now)
    row_upper = wider.row_upper.copy()
    row_upper[wider.rows["limit"]] = [now.limits.headroom_kw[key] for key in wider.row_index["limit"]]
    return replace(wider, row_upper=row_upper)


def _with_rows(program: LinearProgram, now: Horizon) -> LinearProgram:
    """With a row, after those that there are, for every limit that had none because nobody could exceed it."""
    known = set(program.row_index["limit"])
    new = [one for one in loaded_limits(now, program.flows) if one[:2] not in known]
    if not new:
        return program
    columns = program.flow_column[np.concatenate([inside for _, _, inside, _ in new])]
    shares = np.concatenate([shares for _, _, _, shares in new])
    starts = np.concatenate(([0], np.cumsum([len(inside) for _, _, inside, _ in new])))
    added = csr_array((shares, columns, starts), shape=(len(new), program.matrix.shape[1]))
    return program.with_rows("limit", added, np.zeros(len(new)), [one[:2] for one in new])


def _same_but_for_limits(before: Horizon, now: Horizon) -> bool:
    return (
        only_limits_differ(before.request, now.request)
        and np.array_equal(before.slots.need, now.slots.need)
        and np.array_equal(before.slots.step, now.slots.step)
        and [key.place for key in before.limits.keys] == [key.place for key in now.limits.keys]
    )


def only_limits_differ(one: PlanRequest, other: PlanRequest) -> bool:
    """Whether two requests are the same but for what limits are."""
    return _without_limits(one) == _without_limits(other)


def _without_limits(request: PlanRequest) -> PlanRequest:
    return replace(request, feeders=tuple(replace(one, limit_a=(), import_kw=(), reason=()) for one in request.feeders))
