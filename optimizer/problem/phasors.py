"""Limits on sums of currents that differ in phase angle, as rows that a linear program and setpoints can keep.

|sum_n turn[n] I_n| <= limit holds if for every direction theta of a grid over the angles in use

    sum_n max(0, Re(e^(-j theta) turn[n])) I_n <= limit cos(half the distance of two directions),

as the vector sum lies between two neighbouring directions. (Such limits: Lee, Johansson and Low, ACN-Sim: An Open-Source Simulator for
Data-Driven Electric Vehicle Charging Research, 2021, section III. A polygon inscribed in the circle is on the safe side.)
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, vstack

from cpms.domain.plan import PhasorLimit, PlanRequest
from cpms.domain.units import power_kw
from optimizer.problem.frozen import Frozen
from optimizer.problem.limits import Floats, LimitKey, Limits

LEAST_LIMIT_A = 1e-9
"""A limit below this is 0: no setpoint fits it, and its reciprocal fits no number."""

TANGENT_DEG = 7.5
"""Directions are at most so far apart: at most 0.22 % of a limit is given away, nothing where currents are balanced."""


def with_phasors(limits: Limits, request: PlanRequest, frozen: Frozen) -> Limits:
    """The limits and those on vector sums, in which what is frozen has its share; what is implied by another row is left out."""
    found = [row for limit in request.phasor_limits for row in _rows(limit, request)]
    if not found:
        return limits
    keys, shares, headrooms_kw = zip(*_without_implied(found), strict=True)
    padded = np.zeros((len(keys), limits.share.shape[1]))
    padded[:, : len(request.needs)] = np.array(shares)
    left_kw = np.array(headrooms_kw) - np.array(shares) @ frozen.setpoint_kw
    return replace(
        limits,
        keys=(*limits.keys, *keys),
        share=csr_array(vstack([limits.share, csr_array(padded)])),
        headroom_kw=np.vstack([limits.headroom_kw, np.maximum(left_kw, 0.0)]),
        relief_kw=np.append(limits.relief_kw, np.zeros(len(keys))),
        excess_kw=np.vstack([limits.excess_kw, np.maximum(-left_kw, 0.0)]),
    )


Row = tuple[LimitKey, Floats, Floats]
"""A limit's place, its share of each need's power, and its headroom per step [kW of one phase]."""


def _rows(limit: PhasorLimit, request: PlanRequest) -> Iterator[Row]:
    turns = [limit.turns.get(need.connector, 0j) for need in request.needs]
    directions, half = _directions([cmath.phase(turn) for turn in turns if turn])
    per_phase = np.array([len(need.phases) for need in request.needs])
    for direction in directions:
        aligned = np.array([(turn * cmath.exp(-1j * direction)).real for turn in turns])
        kept_a = [limit_a * math.cos(half) if limit_a > LEAST_LIMIT_A else 0.0 for limit_a in limit.limit_a]
        headroom_kw = [power_kw(one_a, request.voltage_v, 1) for one_a in kept_a]
        yield LimitKey(limit, None), np.maximum(aligned, 0.0) / per_phase, np.array(headroom_kw)


def _directions(angles: list[float]) -> tuple[list[float], float]:
    """Middles [rad] of equal parts of the smallest arc that holds all angles, and half the length of a part; none without angles."""
    if not angles:
        return [], 0.0
    around = np.sort(np.mod(angles, 2 * np.pi))
    gaps = np.diff(around, append=around[0] + 2 * np.pi)
    widest = int(np.argmax(gaps))
    begin, span = float(around[(widest + 1) % len(around)]), float(2 * np.pi - gaps[widest])
    if span > np.pi:
        begin, span = 0.0, 2 * np.pi
    parts = max(1, math.ceil(math.degrees(span) / TANGENT_DEG - 1e-6))
    half = span / parts / 2
    return [begin + (2 * part + 1) * half for part in range(parts)], half


def _without_implied(rows: list[Row]) -> list[Row]:
    """Rows that are not kept already where another one is: smaller loads for each of the needs, in every step."""
    least_kw, most_kw = (np.array([pick(headroom) for _, _, headroom in rows]) for pick in (np.min, np.max))
    share = np.array([share for _, share, _ in rows])
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        most, least = share / least_kw[:, None], share / most_kw[:, None]
    kept: list[int] = []
    for n in np.argsort(-most.sum(axis=1), kind="stable").tolist():
        if share[n].any() and not any((most[n] <= least[other] + 1e-12).all() for other in kept):
            kept.append(n)
    return [rows[n] for n in sorted(kept)]
