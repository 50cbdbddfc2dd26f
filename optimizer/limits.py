"""The tree of feeders as one matrix: which share of each need's power each limit carries, and what is left for vehicles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from cpms.domain.plan import ChargingNeed, FeederCap, PlanRequest
from cpms.domain.units import PHASES, Phase, power_kw

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LimitKey:
    """A limit's place: a phase of a feeder [A], or with `phase` None all of it [kW]."""

    feeder: FeederCap
    phase: Phase | None


@dataclass(frozen=True)
class Limits:
    """L limits over T steps. `share[l, n]`: part of need n's power that limit l carries.

    `headroom_kw[l, t]` [kW]: what vehicles may draw, rounded down to what setpoints can add up to; never below 0, infinite where there
    is no limit. `excess_kw[l, t]` [kW]: by how
    much other load alone exceeds the limit; no plan can keep it, so vehicles get nothing there and it is named (RelaxedLimit).
    """

    keys: tuple[LimitKey, ...]
    share: csr_array
    headroom_kw: Floats
    excess_kw: Floats

    def room_kw(self) -> Floats:
        """Most power [kW] a need could draw alone, shape (N, T)."""
        by_need = self.share.tocsc()
        room = np.full((self.share.shape[1], self.headroom_kw.shape[1]), np.inf)
        for n in range(len(room)):
            part = slice(by_need.indptr[n], by_need.indptr[n + 1])
            rows, shares = by_need.indices[part], by_need.data[part]
            if len(rows):
                room[n] = (self.headroom_kw[rows] / shares[:, None]).min(axis=0)
        return room


def limits_of(request: PlanRequest) -> Limits:
    """The limits of a request, phases first, then totals that exist anywhere in the horizon."""
    keys = [LimitKey(feeder, phase) for feeder in request.feeders for phase in PHASES]
    keys += [LimitKey(f, None) for f in request.feeders if any(limit is not None for limit in f.import_kw)]
    other_kw = _other_load_kw(request)
    limit_kw = np.array([_limit_kw(key, request.voltage_v) for key in keys]).reshape(len(keys), len(request.steps))
    load_kw = np.array([other_kw[key.feeder.feeder_id] / (3 if key.phase else 1) for key in keys])
    left_kw = limit_kw - load_kw.reshape(limit_kw.shape)
    share = _shares(request, keys)
    grid_kw = np.array([_grid_kw(request, share, row) for row in range(len(keys))])[:, None]
    headroom_kw = np.maximum(left_kw, 0.0)
    usable_kw = np.floor(np.where(np.isfinite(headroom_kw), headroom_kw, 0.0) / grid_kw + 1e-6) * grid_kw
    usable_kw = np.where(np.isfinite(headroom_kw), usable_kw, np.inf)
    return Limits(tuple(keys), share, usable_kw, np.maximum(-left_kw, 0.0))


def _grid_kw(request: PlanRequest, share: csr_array, row: int) -> float:
    """Largest power [kW] of which every setpoint's load on a limit is a multiple: what is left beyond a multiple cannot be used."""
    part = slice(share.indptr[row], share.indptr[row + 1])
    members = zip(share.indices[part], share.data[part], strict=True)
    loads = ((request.needs[n], one) for n, one in members)
    micro_a = math.gcd(*(round(need.step_a * 1e6) * round(one * len(need.phases)) for need, one in loads))
    return power_kw((micro_a or 1) / 1e6, request.voltage_v, 1)


def _limit_kw(key: LimitKey, voltage_v: float) -> list[float]:
    if key.phase is not None:
        return [power_kw(limit_a, voltage_v, 1) for limit_a in key.feeder.limit_a]
    return [np.inf if limit is None else limit for limit in key.feeder.import_kw]


def _other_load_kw(request: PlanRequest) -> dict[str, Floats]:
    """Other load at and below each feeder [kW per step]."""
    load = {feeder.feeder_id: np.zeros(len(request.steps)) for feeder in request.feeders}
    for feeder in request.feeders:
        for above in path(request, feeder.feeder_id):
            load[above] += np.array(feeder.other_load_kw)
    return load


def path(request: PlanRequest, feeder_id: str) -> list[str]:
    """Ids of the feeders from `feeder_id` to the root."""
    parents = {feeder.feeder_id: feeder.parent_id for feeder in request.feeders}
    ids = []
    above: str | None = feeder_id
    while above is not None:
        ids.append(above)
        above = parents[above]
    return ids


def _shares(request: PlanRequest, keys: list[LimitKey]) -> csr_array:
    row_of = {(key.feeder.feeder_id, key.phase): row for row, key in enumerate(keys)}
    paths = {feeder.feeder_id: path(request, feeder.feeder_id) for feeder in request.feeders}
    rows, columns, shares = [], [], []
    for n, need in enumerate(request.needs):
        for feeder_id in paths[need.feeder_id]:
            for phase, share in _loads(need):
                if (feeder_id, phase) in row_of:
                    rows.append(row_of[feeder_id, phase])
                    columns.append(n)
                    shares.append(share)
    return csr_array((shares, (rows, columns)), shape=(len(keys), len(request.needs)))


def _loads(need: ChargingNeed) -> list[tuple[Phase | None, float]]:
    """Share of a need's power per phase, and all of it in total (None)."""
    return [*((phase, 1.0 / len(need.phases)) for phase in need.phases), (None, 1.0)]
