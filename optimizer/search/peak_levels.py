"""Branching on the peak: where setpoints are coarse they do not add up to every peak, and the relaxation does not know.

If the highest net import is at most `most`, what vehicles draw in a step is at most most - base[t], and as they draw setpoints, whole
multiples of g[t], but for those whose need is met in it:

    sum_s power[s] - w[t] sum_s stops[s] <= f[t],   f[t] = g[t] floor((most - base[t]) / g[t]),   w[t] = most - base[t] - f[t]

That says little for any peak and much for one: the range of the peak is halved where its bound is lowest (best first), until that is
good enough. Each bound is a relaxation's (`certify.lower_bound`), the lowest of them is below every plan.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from cpms.domain.errors import PlanFailed
from optimizer.model.formulation import LinearProgram
from optimizer.problem.horizon import Floats, Horizon, Ints
from optimizer.search.certify import lower_bound
from optimizer.search.solve import Solver

MOST_RANGES, NEAR_STEPS = 30, 2
"""How many ranges of peaks there are in the end, and within how many of the largest steps of setpoints they are fine at first."""

TINY = 1e-9
LEAST_WIDTH_KW = 1e-3
"""A range of peaks that is narrower is not halved."""

UNIT_KW = 1e-6
"""Setpoints are whole multiples of it."""


class Range(NamedTuple):
    """Peaks from `least_kw` to `most_kw` [kW], and a bound [money] below every plan with one of them."""

    bound: float
    least_kw: float
    most_kw: float


@dataclass(frozen=True)
class PeakLevels:
    """`program` with permissions; `steps`: those that rows are written for, `base_kw[t]`, `grid_kw[t]` [kW] of all steps."""

    program: LinearProgram
    horizon: Horizon
    steps: Ints
    base_kw: Floats
    grid_kw: Floats

    @classmethod
    def of(cls, program: LinearProgram, horizon: Horizon) -> PeakLevels | None:
        """None where more than vehicles moves power, or more than one peak is paid for: then these rows are not all there is."""
        power, flows = program.columns["power"], program.flow_column
        alone = bool(np.all((flows >= power.start) & (flows < power.stop))) and "come" not in program.columns
        if not alone or horizon.meters.base_kw.size != horizon.step_count or len(program.index.get("highest", ())) != 1:
            return None
        steps = np.flatnonzero(_own_window(horizon) & ~_unknown(program, horizon))
        return cls(program, horizon, steps, horizon.base_kw, _grid_kw(horizon)) if len(steps) else None

    @property
    def step_cost(self) -> float:
        """What a peak higher by the largest step of setpoints costs [money]."""
        return float(self.grid_kw.max()) * self.horizon.windows[0].price.highest_price_per_kw

    def bound(self, near_kw: float, enough: float, ends_s: float) -> float:
        """A bound [money] below every plan, best known around the peak `near_kw` [kW] of the relaxation; sought until it is `enough`,
        or the time over (of `time.monotonic`)."""
        ranges: list[Range] = []
        try:
            self._add(ranges, -np.inf, self._ends_kw(near_kw), ends_s)
            while len(ranges) < MOST_RANGES and ranges[0].bound < enough:
                widest = ranges[0]
                if widest.most_kw - widest.least_kw < LEAST_WIDTH_KW:
                    break
                halves: list[Range] = []
                middle_kw = (widest.least_kw + widest.most_kw) / 2
                self._add(halves, widest.bound, [widest.least_kw, middle_kw, widest.most_kw], ends_s)
                heapq.heapreplace(ranges, halves[0])
                heapq.heappush(ranges, halves[1])
        except PlanFailed:  # no time: what is known is below every plan, if all of the peaks are
            pass
        whole = len(ranges) >= len(self._ends_kw(near_kw)) - 1
        return ranges[0].bound if whole else -np.inf

    def _ends_kw(self, near_kw: float) -> list[float]:
        """Where ranges end at first: every peak there can be, finer near one."""
        top_kw = float(self.program.upper[self.program.columns["highest"]][0])
        lowest_kw = min(top_kw, max(0.0, float(self.base_kw[self.steps].max())))
        reach_kw = NEAR_STEPS * float(self.grid_kw.max())
        inside = [kw for kw in (near_kw - reach_kw, near_kw, near_kw + reach_kw) if lowest_kw < kw < top_kw]
        return [lowest_kw, *inside, top_kw]

    def _add(self, ranges: list[Range], least: float, ends_kw: list[float], ends_s: float) -> None:
        """The ranges between ends, each with its bound, which is at least what is known of all (`least`) [money]."""
        for least_kw, most_kw in pairwise(ends_kw):
            bound = max(least, self._relaxed(least_kw, most_kw, ends_s))
            heapq.heappush(ranges, Range(bound, least_kw, most_kw))

    def _relaxed(self, least_kw: float, most_kw: float, ends_s: float) -> float:
        program = self._with_peak(least_kw, most_kw)
        return lower_bound(program, Solver(program, self.horizon, ends_s).relax().duals)

    def _with_peak(self, least_kw: float, most_kw: float) -> LinearProgram:
        program, slots = self.program, self.horizon.slots
        room_kw = np.maximum(most_kw - self.base_kw, 0.0)
        grid_kw = np.where(self.grid_kw > 0, self.grid_kw, 1.0)
        floored_kw = np.floor(room_kw / grid_kw + UNIT_KW) * grid_kw
        power, stops = program.columns["power"], program.columns["stops"]
        stopping = slots.step[program.places("stops")]
        at = np.concatenate([slots.step, stopping])
        columns = np.concatenate([np.arange(power.start, power.stop), np.arange(stops.start, stops.stop)])
        shares = np.concatenate([np.ones(len(slots.step)), -np.maximum(room_kw - floored_kw, 0.0)[stopping]])
        rows = csr_array((shares, (at, columns)), shape=(self.horizon.step_count, program.matrix.shape[1]))[self.steps]
        lower, upper, peak = program.lower.copy(), program.upper.copy(), program.columns["highest"]
        lower[peak], upper[peak] = least_kw, most_kw
        return replace(program.with_rows("peak_level", rows, floored_kw[self.steps]), lower=lower, upper=upper)


def _own_window(horizon: Horizon) -> NDArray[np.bool_]:
    """Whether each step is a window of the demand price by itself."""
    (windows,) = horizon.windows
    alone = windows.weight[(windows.weight > 0).sum(axis=1) == 1]
    return np.asarray((alone == 1.0).any(axis=0))


def _unknown(program: LinearProgram, horizon: Horizon) -> NDArray[np.bool_]:
    """Whether somebody may draw other than setpoints on average in each step, without being said to stop."""
    known = np.zeros(len(horizon.slots.step), dtype=np.bool_)
    known[program.places("stops")] = True
    known &= horizon.present >= 1.0 - TINY
    unknown = np.zeros(horizon.step_count, dtype=np.bool_)
    unknown[horizon.slots.step[~known]] = True
    return unknown


def _grid_kw(horizon: Horizon) -> Floats:
    """Of what all setpoints of a step are multiples [kW], 0 where there are none."""
    grid = np.zeros(horizon.step_count, dtype=np.int64)
    np.gcd.at(grid, horizon.slots.step, np.rint(horizon.common_kw() / UNIT_KW).astype(np.int64))
    return np.asarray(grid * UNIT_KW)
