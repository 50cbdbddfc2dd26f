"""Energy per quarter hour, from what a register said and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from cpms.domain.time import floor_time
from data.session_energy import Register, most_energy_kwh

QUARTER = timedelta(minutes=15)
QUARTER_S = 900
_ROUNDING_KWH = 0.05
"""By so much a register may seem to fall, told in Wh here and in kWh there, without having begun anew."""

Increment = tuple[datetime, datetime, float]
"""From when to when how much energy [kWh] was added."""


def energy_by_quarter(registers: Sequence[Register], max_power_kw: float | None) -> dict[datetime, float]:
    """Energy [kWh] per quarter hour, by its start, over `registers` (oldest first) of a connector of `max_power_kw` [kW].

    What was added between two registers is spread evenly over the time between them, so that quarters add up to what the register
    counted, however long its station was silent.
    """
    quarters: dict[datetime, float] = defaultdict(float)
    for begin, end, energy_kwh in increments(registers, max_power_kw):
        for quarter, share in _shares(begin, end):
            quarters[quarter] += share * energy_kwh
    return {quarter: energy_kwh for quarter, energy_kwh in quarters.items() if energy_kwh > 0.0}


def increments(registers: Sequence[Register], max_power_kw: float | None) -> Iterator[Increment]:
    """What each register adds to the one before. A register may begin anew (exchanged, rolled over, counting per session); one that
    adds more than the connector can have given is passed over, unless the next one goes on from it: then it begins anew there."""
    if not registers:
        return
    before, doubted = registers[0], registers[0]
    for now in registers[1:]:
        added_kwh = _added(before, now, max_power_kw)
        if added_kwh is None and (added_kwh := _added(doubted, now, max_power_kw)) is not None:
            before = doubted
        doubted = now
        if added_kwh is None:
            continue
        if added_kwh > 0.0:
            yield before[0], now[0], added_kwh
        if not _falls_by_rounding(before, now):
            before = now


def _added(before: Register, now: Register, max_power_kw: float | None) -> float | None:
    """What `now` adds to `before` [kWh]; None if the connector cannot have given that: a register that begins anew at more than was
    possible since has counted before."""
    begins_anew = now[1] < before[1] and not _falls_by_rounding(before, now)
    added_kwh = now[1] if begins_anew else max(0.0, now[1] - before[1])
    most_kwh = most_energy_kwh(now[0] - before[0], max_power_kw)
    if begins_anew:
        most_kwh -= most_energy_kwh(timedelta(0), max_power_kw)
    return added_kwh if added_kwh <= most_kwh else None


def _falls_by_rounding(before: Register, now: Register) -> bool:
    return before[1] - _ROUNDING_KWH <= now[1] < before[1]


def _shares(begin: datetime, end: datetime) -> Iterator[tuple[datetime, float]]:
    """The quarter hours from `begin` to `end`, and which part of that time each has."""
    first = floor_time(begin, QUARTER_S)
    if end <= first + QUARTER:
        yield first, 1.0
        return
    last = floor_time(end, QUARTER_S)
    edges = [begin, *(first + n * QUARTER for n in range(1, (last - first) // QUARTER + 1)), end]
    for a, b in pairwise(edges):
        if b > a:
            yield floor_time(a, QUARTER_S), (b - a) / (end - begin)
