"""How fast a day may pass on this machine.

At 480 clock seconds per second every message and every plan takes minutes of the clock, and a machine that is slow or busy with
other work makes stations wait for their power in a way that no real day knows. So the day passes more slowly there.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from cpms.settings import LATENCY_S

FASTEST_CHOSEN, SLOWEST_CHOSEN = 480.0, 160.0
"""Clock seconds per second: a day in three minutes, and in nine, beyond which nobody wants to wait."""
PROCESSES = 2
"""The server and the stations, which run at the same time."""
UNITS = 12
STEPS_PER_UNIT = 2_000_000
UNIT_S = 0.15
"""What a unit of work takes [s] on a core at about 3 GHz that has its machine to itself. Two cores at work take a little longer,
and so does the day then: that leaves room for what else the machine may begin to do."""
TOLERATED = 1.25
"""A unit may take so many times longer before the day is slowed down."""


@dataclass(frozen=True)
class Pace:
    """`speed` [clock seconds per second]; everything takes `slowness` times as long as on an idle machine that is fast enough."""

    speed: float
    slowness: float = 1.0

    @property
    def latency_s(self) -> float:
        """Real seconds [s] that a message may take here."""
        return LATENCY_S * self.slowness

    def clock_s(self, real_s: float) -> float:
        """Seconds of the clock [s] that pass while something is done that takes `real_s` [s] on an idle machine."""
        return real_s * self.slowness * self.speed


def affordable_pace() -> Pace:
    """What this machine can keep up with now, found in about two seconds of work on two cores."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        list(pool.map(_seconds_of_a_unit, range(PROCESSES)))  # the processes start; not counted
        return pace_for(statistics.median(pool.map(_seconds_of_a_unit, range(UNITS))))


def pace_for(unit_s: float) -> Pace:
    """The pace where a unit of work takes `unit_s` [s]: slower in proportion, but never slower than one would wait for."""
    slowness = unit_s / UNIT_S
    if slowness <= TOLERATED:
        return Pace(FASTEST_CHOSEN)
    return Pace(max(SLOWEST_CHOSEN, round(FASTEST_CHOSEN / slowness, -1)), slowness)


def _seconds_of_a_unit(_: int) -> float:
    began_s = time.perf_counter()
    total = 0
    for step in range(STEPS_PER_UNIT):
        total += step * step % 7
    return time.perf_counter() - began_s
