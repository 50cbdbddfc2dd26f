"""Limits on sums of currents that differ in phase angle, as rows that a linear program and setpoints can keep.

Whatever part of their setpoints I_n vehicles draw, and with G_n that others give back, |sum_n turn[n] (I_n - G_n)| <= limit holds if
for every direction theta of a grid over the angles in use (of who gives those of -turn[n] too)

    sum_n max(0, Re(e^(-j theta) turn[n])) I_n - sum_n Re(e^(-j theta) turn[n]) G_n <= limit cos(half the distance of two directions),

as the vector sum lies between two neighbouring directions, and only if the left side is at most the limit itself: the first is what
plans keep to, the second what bounds are proven with. (Such limits: Lee, Johansson and Low, ACN-Sim: An Open-Source Simulator for
Data-Driven Electric Vehicle Charging Research, 2021, section III. The two are polygons inscribed in the circle and around it.)
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from cpms.domain.plan import PhasorLimit, PlanRequest
from cpms.domain.units import power_kw
from optimizer.problem.frozen import Frozen
from optimizer.problem.limits import Floats, LimitKey, Limits
from optimizer.problem.tree import points_now, points_of, switchers_of

TINY_RAD = 1e-9
"""What rounding may make of half a circle."""

LEAST_LIMIT_A = 1e-9
"""A limit below this is 0: no setpoint fits it, and its reciprocal fits no number."""

TANGENT_DEG = 7.5
"""Directions are at most so far apart: at most 0.22 % of a limit is given away, nothing where currents are balanced."""


@dataclass(frozen=True)
class _Row:
    """A limit in one direction: `share[i]` of what point i draws (`tree.points_of`), `relieved[i]` of what it delivers, and the limit
    per step [kW of one phase], of which plans keep to the part `kept`."""

    key: LimitKey
    share: Floats
    relieved: Floats
    limit_kw: Floats
    kept: float


def with_phasors(limits: Limits, request: PlanRequest, frozen: Frozen) -> Limits:
    """The limits and those on vector sums, in which what is frozen has its share; what is implied by another row is left out."""
    delivered_kw = np.array([point.most_delivered_kw for point in points_of(request)])
    found = [row for limit in request.phasor_limits for row in _rows(limit, request, delivered_kw > 0)]
    if not found:
        return limits
    rows = _without_implied(found)
    share, relieved = (np.array([getattr(row, name) for row in rows]) for name in ("share", "relieved"))
    limit_kw, kept = np.array([row.limit_kw for row in rows]), np.array([row.kept for row in rows])
    frozen_kw = share[:, points_now(request)] @ frozen.setpoint_kw
    left_kw, outer_kw = limit_kw * kept[:, None] - frozen_kw, limit_kw - frozen_kw
    relief_kw = np.maximum(relieved, 0.0) @ delivered_kw
    alone = relief_kw[:, None] <= 0
    return replace(
        limits,
        keys=(*limits.keys, *(row.key for row in rows)),
        share=csr_array(vstack([limits.share, csr_array(share)])),
        relieved=csr_array(vstack([limits.relieved, csr_array(relieved)])),
        headroom_kw=np.vstack([limits.headroom_kw, np.where(alone, np.maximum(left_kw, 0.0), left_kw)]),
        outer_kw=np.vstack([limits.outer_kw, np.where(alone, np.maximum(outer_kw, 0.0), outer_kw)]),
        relief_kw=np.append(limits.relief_kw, relief_kw),
        excess_kw=np.vstack([limits.excess_kw, np.maximum(-outer_kw, 0.0)]),
    )


def _rows(limit: PhasorLimit, request: PlanRequest, delivers: NDArray[np.bool_]) -> Iterator[_Row]:
    turns = _turns(limit, request)
    given = [-turn for turn, gives in zip(turns, delivers, strict=True) if gives]
    directions, half = _directions([cmath.phase(turn) for turn in (*turns, *given) if turn])
    drawn_per_phase = np.array([point.told_per_drawn / len(point.phases) for point in points_of(request)])
    limit_a = [one_a if one_a > LEAST_LIMIT_A else 0.0 for one_a in limit.limit_a]
    limit_kw = np.array([power_kw(one_a, request.voltage_v, 1) for one_a in limit_a])
    for direction in directions:
        aligned = np.array([(turn * cmath.exp(-1j * direction)).real for turn in turns]) * drawn_per_phase
        relieved = np.where(delivers, aligned, 0.0)
        yield _Row(LimitKey(limit, None), np.maximum(aligned, 0.0), relieved, limit_kw, math.cos(half))


def _turns(limit: PhasorLimit, request: PlanRequest) -> list[complex]:
    """What one ampere of each point is in the limited current."""
    needs = [limit.turns.get(need.connector, 0j) for need in request.needs]
    singles = [limit.single_turns.get(request.needs[n].connector, 0j) for n in switchers_of(request)]
    return [*needs, *(0j for _ in request.batteries), *singles]


def _directions(angles: list[float]) -> tuple[list[float], float]:
    """Middles [rad] of equal parts of the smallest arc that holds all angles, and half the length of a part; none without angles."""
    if not angles:
        return [], 0.0
    around = np.sort(np.mod(angles, 2 * np.pi))
    gaps = np.diff(around, append=around[0] + 2 * np.pi)
    widest = int(np.argmax(gaps))
    begin, span = float(around[(widest + 1) % len(around)]), float(2 * np.pi - gaps[widest])
    if span > np.pi + TINY_RAD:
        begin, span = 0.0, 2 * np.pi
    parts = max(1, math.ceil(math.degrees(span) / TANGENT_DEG - 1e-6))
    half = span / parts / 2
    return [begin + (2 * part + 1) * half for part in range(parts)], half


def _without_implied(rows: list[_Row]) -> list[_Row]:
    """Rows that are not kept already where another one is: no larger loads for each of the points, drawing or delivering, in every
    step."""
    load = np.array([np.concatenate([row.share, -row.relieved]) for row in rows])
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        parts = np.array(
            [[load[n] / (row.kept * pick(row.limit_kw)) for pick in (np.min, np.max)] for n, row in enumerate(rows)]
        )
    most, least = parts.max(axis=1), parts.min(axis=1)
    kept: list[int] = []
    for n in np.argsort(-np.maximum(most, 0.0).sum(axis=1), kind="stable").tolist():
        if (load[n] > 0).any() and not any((most[n] <= least[other] + 1e-12).all() for other in kept):
            kept.append(n)
    return [rows[n] for n in sorted(kept)]
