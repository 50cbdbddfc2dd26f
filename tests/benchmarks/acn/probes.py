"""Probes: who is planned with the highest setpoint that it takes whole is permitted the next one, where nobody else wants the room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.acn.network import Floats, Network

ROUNDING = 1e-7
"""Share of a limit by which what is permitted may seem to exceed it."""


@dataclass(frozen=True)
class Wish:
    """The vehicle at a station (its place in the network) takes the setpoint `whole_a` [A] whole, and more of the next, `next_a`."""

    station: int
    whole_a: float
    next_a: float
    accepted_a: float


def wish_of(station: int, setpoints_a: Sequence[float], accepted_a: float) -> Wish | None:
    """Of a vehicle that accepts so much [A]; None where it takes all of no setpoint, or of all (ascending)."""
    whole_a, above_a = ([a for a in setpoints_a if (a > accepted_a) is above] for above in (False, True))
    return Wish(station, whole_a[-1], above_a[0], accepted_a) if whole_a and above_a else None


def with_probes(permitted_a: Floats, wishes: Sequence[Wish], network: Network) -> Floats:
    """What is permitted [A] per station, with the next setpoint for those who have all they take whole, who gain most first, as far as
    the network admits it."""
    raised_a = permitted_a.copy()
    turns, most_a = network.matrix * np.exp(1j * network.angle_rad), network.limit_a * (1 + ROUNDING)
    for wish in sorted(wishes, key=lambda wish: wish.whole_a - wish.accepted_a):
        if permitted_a[wish.station] == wish.whole_a:
            raised_a[wish.station] = wish.next_a
            if (np.abs(turns @ raised_a) > most_a).any():
                raised_a[wish.station] = wish.whole_a
    return raised_a
