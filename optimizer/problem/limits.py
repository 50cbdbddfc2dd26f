"""The tree of feeders as one matrix: which share of each point's power each limit carries, and what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from cpms.domain.binding import Direction
from cpms.domain.contract import UncertainLoad
from cpms.domain.plan import FeederCap, PhasorLimit, PlanRequest
from cpms.domain.units import PHASES, Phase, power_kw
from optimizer.problem.bands import quantile_kw
from optimizer.problem.frozen import Frozen
from optimizer.problem.tree import Point, path, points_now, points_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LimitKey:
    """A limit's place: a phase of a feeder [A], or with `phase` None all of it [kW], or a vector sum [A]."""

    feeder: FeederCap | PhasorLimit
    phase: Phase | None
    direction: Direction = Direction.IMPORT

    @property
    def place(self) -> tuple[str, Phase | None, Direction]:
        """By what limits are told apart in a request."""
        return self.feeder.feeder_id, self.phase, self.direction

    @property
    def unit(self) -> str:
        """A or kW."""
        return "kW" if self.phase is None and isinstance(self.feeder, FeederCap) else "A"

    @property
    def voltage_v(self) -> float | None:
        """Phase to neutral, where it is measured [V]; None: the request's."""
        return self.feeder.voltage_v if isinstance(self.feeder, FeederCap) else None

    @property
    def limit(self) -> Sequence[float | None]:
        """Per step, in its unit; None where there is none."""
        if self.phase is None and isinstance(self.feeder, FeederCap):
            return self.feeder.import_kw
        return self.feeder.limit_a


@dataclass(frozen=True)
class Limits:
    """L limits over T steps. `share[l, i]`: part of point i's power that limit l carries (`tree.points_of`), `relieved[l, i]`: part of
    what it delivers by which limit l is relieved (below 0: loaded).

    `headroom_kw[l, t]` [kW]: what may be drawn; infinite where there is no limit. Where nothing can deliver below a
    limit it is rounded down to what setpoints can add up to, and never below 0. `relief_kw[l]` [kW]: most that can be
    delivered below a limit; where it is not 0 headroom may be below 0, for others to relieve. `excess_kw[l, t]` [kW]:
    by how much other load alone exceeds the limit; it is relaxed by as much as has to be, and named (RelaxedLimit).
    `outer_kw[l, t]` [kW]: what nobody exceeds who keeps the limit; more than headroom where rows are on the safe side of it (vector
    sums). Plans keep to headroom; what is proven of the best plan holds for this.
    """

    keys: tuple[LimitKey, ...]
    share: csr_array
    relieved: csr_array
    headroom_kw: Floats
    outer_kw: Floats
    relief_kw: Floats
    excess_kw: Floats

    def carried(self, point: Ints, sign: Floats) -> csr_array:
        """What limits carry per kW of flows at points that draw (sign +1) or deliver (-1) there, shape (L, flows)."""
        by_direction = csr_array(hstack([self.share, -self.relieved])).tocsc()
        return csr_array(by_direction[:, np.where(sign > 0, point, point + self.share.shape[1])])

    @cached_property
    def vector_sums(self) -> Ints:
        """The limits on vector sums."""
        return np.flatnonzero([isinstance(key.feeder, PhasorLimit) for key in self.keys])

    @cached_property
    def loaded_by_giving(self) -> Ints:
        """The limits that what is delivered may load."""
        relieved = self.relieved.tocoo()
        return np.unique(relieved.row[relieved.data < 0]).astype(np.int64)

    def room_kw(self) -> Floats:
        """Most power [kW] a point could draw alone, shape (points, T)."""
        by_point = self.share.tocsc()
        most_kw = np.maximum(self.headroom_kw + self.relief_kw[:, None], 0.0)
        room = np.full((self.share.shape[1], self.headroom_kw.shape[1]), np.inf)
        for i in range(len(room)):
            part = slice(by_point.indptr[i], by_point.indptr[i + 1])
            rows, shares = by_point.indices[part], by_point.data[part]
            if len(rows):
                room[i] = (most_kw[rows] / shares[:, None]).min(axis=0)
        return room


def limits_of(request: PlanRequest, frozen: Frozen) -> Limits:
    """The limits of a request, phases first, then totals that exist anywhere in the horizon; what is frozen has its share already."""
    keys = [LimitKey(feeder, phase) for feeder in request.feeders for phase in PHASES]
    keys += [LimitKey(f, None) for f in request.feeders if any(limit is not None for limit in f.import_kw)]
    points = points_of(request)
    share = _shares(request, keys, points)
    relief_kw = share @ np.array([point.most_delivered_kw for point in points])
    left_kw = _left_kw(request, keys) - share[:, points_now(request)] @ frozen.setpoint_kw
    rounded_kw = _rounded_down_kw(np.maximum(left_kw, 0.0), _grids_kw(request, share, points))
    headroom_kw = np.where(relief_kw[:, None] > 0, left_kw, rounded_kw)
    return Limits(
        keys=tuple(keys),
        share=share,
        relieved=share,
        headroom_kw=headroom_kw,
        outer_kw=headroom_kw,
        relief_kw=relief_kw,
        excess_kw=np.maximum(-left_kw, 0.0),
    )


def _left_kw(request: PlanRequest, keys: list[LimitKey]) -> Floats:
    """What other load leaves of each limit [kW], below 0 where it takes more."""
    other_kw = _other_load_kw(request)
    shape = (len(keys), len(request.steps))
    whole_kw = np.array([limit_kw(key, request.voltage_v) for key in keys]).reshape(shape)
    load_kw = np.array([other_kw[key.feeder.feeder_id] / (3 if key.phase else 1) for key in keys]).reshape(shape)
    return np.asarray(whole_kw - load_kw)


def _rounded_down_kw(power_kw: Floats, grid_kw: Floats) -> Floats:
    """Power [kW] down to multiples of `grid_kw` (0: as it is), infinity as it is."""
    rounds = np.isfinite(power_kw) & (grid_kw > 0)
    grid = np.where(rounds, grid_kw, 1.0)
    return np.where(rounds, np.floor(np.where(rounds, power_kw, 0.0) / grid + 1e-6) * grid, power_kw)


def _grids_kw(request: PlanRequest, share: csr_array, points: tuple[Point, ...]) -> Floats:
    """Per limit the largest power [kW] of which every setpoint's load is a multiple, 0 where any power may be set; shape (L, 1)."""
    step_a = np.array([np.nan if point.step_a is None else point.step_a for point in points])
    phases = np.array([len(point.phases) for point in points], dtype=np.float64)
    load_a = step_a[share.indices] * np.rint(share.data * phases[share.indices])
    parts = [load_a[share.indptr[row] : share.indptr[row + 1]] for row in range(share.shape[0])]
    return np.array([_grid_kw(part, request.voltage_v) for part in parts]).reshape(-1, 1)


def _grid_kw(load_a: Floats, voltage_v: float) -> float:
    """Of loads [A] in a row, not a number where any is possible."""
    if np.isnan(load_a).any():
        return 0.0
    micro_a = int(np.gcd.reduce(np.rint(load_a * 1e6).astype(np.int64)))
    return power_kw((micro_a or 1) / 1e6, voltage_v, 1)


def limit_kw(key: LimitKey, voltage_v: float) -> list[float]:
    """A limit per step [kW], infinite where there is none."""
    limit = [np.inf if one is None else one for one in key.limit]
    at_v = key.voltage_v or voltage_v
    return limit if key.unit == "kW" else [power_kw(limit_a, at_v, 1) for limit_a in limit]


def _other_load_kw(request: PlanRequest) -> dict[str, Floats]:
    """Other load at and below each feeder [kW per step], the uncertain part at the chance level."""
    load = at_and_below_kw(request, {feeder.feeder_id: np.array(feeder.other_load_kw) for feeder in request.feeders})
    for feeder_id, uncertain in uncertain_below(request).items():
        load[feeder_id] += quantile_kw(uncertain, request.chance_level, len(request.steps))
    return load


def at_and_below_kw(request: PlanRequest, own_kw: Mapping[str, Floats]) -> dict[str, Floats]:
    """What feeders have of their own [kW per step], summed at and below each."""
    summed = {feeder.feeder_id: np.zeros(len(request.steps)) for feeder in request.feeders}
    for feeder_id, mine_kw in own_kw.items():
        for above in path(request, feeder_id):
            summed[above] += mine_kw
    return summed


def uncertain_below(request: PlanRequest) -> dict[str, list[UncertainLoad]]:
    """Uncertain load at and below each feeder."""
    below: dict[str, list[UncertainLoad]] = {feeder.feeder_id: [] for feeder in request.feeders}
    for load in request.uncertain:
        for above in path(request, load.feeder_id):
            below[above].append(load)
    return below


def _shares(request: PlanRequest, keys: list[LimitKey], points: tuple[Point, ...]) -> csr_array:
    row_of = {(key.feeder.feeder_id, key.phase): row for row, key in enumerate(keys)}
    paths = {feeder.feeder_id: path(request, feeder.feeder_id) for feeder in request.feeders}
    rows, columns, shares = [], [], []
    for i, point in enumerate(points):
        for feeder_id in paths[point.feeder_id]:
            for phase, share in _loads(point):
                if (feeder_id, phase) in row_of:
                    rows.append(row_of[feeder_id, phase])
                    columns.append(i)
                    shares.append(share)
    return csr_array((shares, (rows, columns)), shape=(len(keys), len(points)))


def _loads(point: Point) -> list[tuple[Phase | None, float]]:
    """What limits count of a point's power per phase, and in total (None)."""
    counted = point.counted_phases or point.phases
    per_phase = point.told_per_drawn / len(point.phases)
    return [*((phase, per_phase) for phase in counted), (None, point.told_per_drawn * point.counted_ratio)]
