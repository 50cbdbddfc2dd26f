"""Uncertain sessions: how likely each planned kWh is drawn.

A vehicle takes what it wants, in the order of time, and leaves when it leaves; what was planned beyond is neither drawn nor paid. So
of a session that may want E_1 < E_2 < ... the energy between E_(k-1) and E_k is a layer, and power of layer k in slot s is drawn with
the chance that the vehicle wants more than E_(k-1) and is still there: P[s, k] = sum of the probabilities of its likely stays with
energy >= E_k and departure after s (in part, where it is within s).

A vehicle that may give back does not stop at what it wants, and may have less later: it does what is planned until it leaves, and
each of its likely stays is a stage that counts by its probability (`optimizer.problem.stages`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import ChargingNeed, PlanRequest
from optimizer.problem.frozen import Frozen

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Chance:
    """Of an uncertain need: the energies [kWh] between which its K layers lie (K + 1), what is wanted on average [kWh], and
    `drawn[s, k]`: the chance that power of layer k in its slot s is drawn. `place[s, k]` numbers these over all needs."""

    edges_kwh: Floats
    wanted_kwh: float
    drawn: Floats
    place: Ints

    def parts(self) -> Iterator[tuple[int, int, int, float]]:
        """Place, slot and layer (of its own), and chance of each."""
        for (i, k), chance in np.ndenumerate(self.drawn):
            yield int(self.place[i, k]), i, k, float(chance)

    def layered_kw(self, slot_kw: Floats, hours: Floats) -> Floats:
        """Power of its slots [kW] by layer, shape as `drawn`: the first energy in time is that of the first layer."""
        until_kwh = np.cumsum(slot_kw * hours)
        inside = np.clip(until_kwh[:, None], self.edges_kwh[:-1], self.edges_kwh[1:])
        before = np.clip((until_kwh - slot_kw * hours)[:, None], self.edges_kwh[:-1], self.edges_kwh[1:])
        return np.asarray((inside - before) / hours[:, None])

    def lacking_kwh(self, layered_kw: Floats, hours: Floats) -> float:
        """What it lacks on average [kWh] with power by layer [kW]."""
        return self.wanted_kwh - float(np.sum(self.drawn * layered_kw * hours[:, None]))


def chance_of(
    request: PlanRequest, need: ChargingNeed, taken_kwh: float, starts_h: Floats, hours: Floats, first: int
) -> Chance:
    """The chances of an uncertain need whose slots start `starts_h` [h] after the first step and last `hours` [h]."""
    origin = request.steps[0].starts_at
    chance = np.array([stay.probability for stay in need.likely])
    energy_kwh = np.array([max(0.0, stay.energy_kwh - taken_kwh) for stay in need.likely])
    departs_h = np.array([(stay.departs_at - origin).total_seconds() / 3600 for stay in need.likely])
    edges_kwh = np.unique(np.concatenate([[0.0], energy_kwh]))
    there = np.clip((departs_h - starts_h[:, None]) / hours[:, None], 0.0, 1.0)
    wants = energy_kwh[:, None] >= edges_kwh[1:]
    drawn = (there * chance) @ wants
    return Chance(edges_kwh, float(chance @ energy_kwh), drawn, first + np.arange(drawn.size).reshape(drawn.shape))


def chances_of(
    request: PlanRequest, frozen: Frozen, need_of_slot: Ints, starts_h: Floats, hours: Floats
) -> dict[int, Chance]:
    """The uncertain needs of a request that may not give back, by their place."""
    uncertain: dict[int, Chance] = {}
    first = 0
    for n, need in enumerate(request.needs):
        if need.likely and need.v2g is None:
            mine = slice(*np.searchsorted(need_of_slot, [n, n + 1]).tolist())
            uncertain[n] = chance_of(request, need, float(frozen.energy_kwh[n]), starts_h[mine], hours[mine], first)
            first += uncertain[n].drawn.size
    return uncertain


def gone_of(request: PlanRequest, need_of_slot: Ints, starts_h: Floats, hours: Floats) -> Floats:
    """The chance that the vehicle of each slot has left, on average over the slot; 0 of those that may not give back."""
    origin, gone = request.steps[0].starts_at, np.zeros(len(need_of_slot))
    for n, need in enumerate(request.needs):
        if need.v2g is not None:
            mine = slice(*np.searchsorted(need_of_slot, [n, n + 1]).tolist())
            for stay in need.likely:
                departs_h = (stay.departs_at - origin).total_seconds() / 3600
                there = np.clip((departs_h - starts_h[mine]) / hours[mine], 0.0, 1.0)
                gone[mine] += stay.probability * (1.0 - there)
    return gone
