"""What a vehicle accepts as it fills: power as a piecewise linear, never rising function of the energy it holds.

Under a setpoint u the energy e held [kWh] follows de/dt = min(u, f(e)); where f(e) = a - b e, e(t) = a/b - (a/b - e(0)) exp(-b t).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from cpms.domain.need import VehicleBattery

LEVEL = 1e-9
"""A slope [1/h] below this is none."""


@dataclass(frozen=True)
class Piece:
    """Between `from_kwh` and `until_kwh` held [kWh] the vehicle accepts `power_kw - slope_per_h * (held - from_kwh)` [kW]."""

    from_kwh: float
    until_kwh: float
    power_kw: float
    slope_per_h: float

    def power_at_kw(self, held_kwh: float) -> float:
        """Accepted power [kW] on this piece's line."""
        return self.power_kw - self.slope_per_h * (held_kwh - self.from_kwh)


@dataclass(frozen=True)
class Acceptance:
    """Pieces from empty to full, ascending; nothing is accepted beyond."""

    pieces: tuple[Piece, ...]
    full_kwh: float

    @classmethod
    def of(cls, battery: VehicleBattery) -> Acceptance:
        """The curve over energy held."""
        size = battery.capacity_kwh
        points = [(point.soc * size, point.power_kw) for point in battery.acceptance] or [(0.0, math.inf)]
        points = [(0.0, points[0][1]), *(p for p in points if 0.0 < p[0] < size), (size, _at(points, size))]
        return cls(tuple(_piece(*pair) for pair in pairwise(points)), size)

    def filled_kwh(self, held_kwh: float, setpoint_kw: float, hours: float) -> float:
        """Energy [kWh] taken in `hours` [h] under a setpoint [kW], by a vehicle that holds `held_kwh` [kWh]."""
        energy_kwh, left_h = held_kwh, hours
        for piece in self.pieces:
            if energy_kwh < piece.until_kwh and left_h > 0 and setpoint_kw > 0:
                energy_kwh, left_h = _follow(piece, energy_kwh, setpoint_kw, left_h)
        return min(energy_kwh, self.full_kwh) - held_kwh

    def cuts(self, hours: float) -> Iterator[tuple[float, float]]:
        """Pairs (c, d): in `hours` [h], from `held` [kWh] on, no more than c - d held [kWh] can be taken, whatever the setpoint.

        The solution of de/dt = a - b e stays above that of de/dt <= a - b e (Gronwall), for every line a - b e above the curve: those
        of its concave hull.
        """
        for intercept_kw, slope_per_h in self._hull():
            if slope_per_h > LEVEL:
                part = -math.expm1(-slope_per_h * hours)
                yield part * intercept_kw / slope_per_h, part
            elif math.isfinite(intercept_kw):
                yield intercept_kw * hours, 0.0
        yield self.full_kwh, 1.0

    def _hull(self) -> Iterator[tuple[float, float]]:
        """Lines (power at empty [kW], slope [1/h]) of the least concave function above the curve."""
        points = [(0.0, self.pieces[0].power_kw)]
        points += [(piece.until_kwh, max(0.0, piece.power_at_kw(piece.until_kwh))) for piece in self.pieces]
        upper: list[tuple[float, float]] = []
        for point in points:
            while len(upper) > 1 and _turns_up(upper[-2], upper[-1], point):
                upper.pop()
            upper.append(point)
        for (x, y), (until, z) in pairwise(upper):
            slope = (y - z) / (until - x) if math.isfinite(y) and until > x else 0.0
            yield y + slope * x, slope


def _at(points: list[tuple[float, float]], kwh: float) -> float:
    """The curve's power [kW] at an energy [kWh] within or beyond its points."""
    for (x, y), (until, z) in pairwise(points):
        if x <= kwh <= until:
            return y + (z - y) * (kwh - x) / (until - x)
    return points[-1][1] if kwh >= points[-1][0] else points[0][1]


def _piece(start: tuple[float, float], end: tuple[float, float]) -> Piece:
    width_kwh = end[0] - start[0]
    slope = (start[1] - end[1]) / width_kwh if width_kwh > 0 and math.isfinite(start[1]) else 0.0
    return Piece(start[0], end[0], start[1], slope)


def _turns_up(one: tuple[float, float], two: tuple[float, float], three: tuple[float, float]) -> bool:
    """Whether `two` lies on or below the line from `one` to `three`."""
    return (two[1] - one[1]) * (three[0] - one[0]) <= (three[1] - one[1]) * (two[0] - one[0])


def _follow(piece: Piece, energy_kwh: float, setpoint_kw: float, left_h: float) -> tuple[float, float]:
    """Energy held [kWh] and time left [h] at the end of a piece, or of the time."""
    if piece.power_at_kw(energy_kwh) > setpoint_kw:
        level_until = piece.until_kwh
        if piece.slope_per_h > LEVEL:
            level_until = min(level_until, piece.from_kwh + (piece.power_kw - setpoint_kw) / piece.slope_per_h)
        energy_kwh, left_h = _level(energy_kwh, level_until, setpoint_kw, left_h)
    if left_h > 0 and energy_kwh < piece.until_kwh:
        return _falling(piece, energy_kwh, left_h)
    return energy_kwh, left_h


def _level(energy_kwh: float, until_kwh: float, power_kw: float, left_h: float) -> tuple[float, float]:
    if (needed_h := (until_kwh - energy_kwh) / power_kw) <= left_h:
        return until_kwh, left_h - needed_h
    return energy_kwh + power_kw * left_h, 0.0


def _falling(piece: Piece, energy_kwh: float, left_h: float) -> tuple[float, float]:
    """At full acceptance along a piece."""
    now_kw, end_kw = piece.power_at_kw(energy_kwh), piece.power_at_kw(piece.until_kwh)
    if now_kw <= 0:
        return energy_kwh, 0.0
    if piece.slope_per_h <= LEVEL:
        return _level(energy_kwh, piece.until_kwh, now_kw, left_h)
    needed_h = math.log(now_kw / end_kw) / piece.slope_per_h if end_kw > 0 else math.inf
    if needed_h <= left_h:
        return piece.until_kwh, left_h - needed_h
    taken_kwh = -math.expm1(-piece.slope_per_h * left_h) * now_kw / piece.slope_per_h
    return energy_kwh + taken_kwh, 0.0
