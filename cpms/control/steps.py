"""The steps of a plan: fine ones near, coarse ones later, on the marks of the clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from cpms.control.settings import ControlSettings
from cpms.domain.time import Interval, floor_time


def steps_from(
    now: datetime, departures: Iterable[datetime], settings: ControlSettings, sending: bool = False
) -> tuple[Interval, ...]:
    """Fine steps on the clock's marks, the first one from `now`, then coarse ones until the last departure within bounds.

    A first piece shorter than a ledger bin joins the step after it. `sending`: where there is room for two, the first step is as short
    as a bin, because what is on its way to stations is settled by then.
    """
    last = max(departures, default=now)
    least, most = now + timedelta(seconds=settings.horizon_min_s), now + timedelta(seconds=settings.horizon_max_s)
    until = min(max(last, least), most)
    edges = [now]
    mark = first_mark(now, settings)
    if sending and (mark - now).total_seconds() >= 2 * settings.bin_s:
        edges.append(now + timedelta(seconds=settings.bin_s))
    fine_until = now + timedelta(seconds=settings.fine_s)
    while mark < fine_until or mark != floor_time(mark, settings.coarse_step_s):
        edges.append(mark)
        mark += timedelta(seconds=settings.fine_step_s)
    while edges[-1] < until:
        edges.append(mark)
        mark += timedelta(seconds=settings.coarse_step_s)
    return tuple(Interval(a, b) for a, b in pairwise(edges))


def first_mark(now: datetime, settings: ControlSettings) -> datetime:
    """The end of the first step: the next mark of the clock that is at least a ledger bin away."""
    mark = floor_time(now, settings.fine_step_s) + timedelta(seconds=settings.fine_step_s)
    near = (mark - now).total_seconds() < settings.bin_s
    return mark + timedelta(seconds=settings.fine_step_s) if near else mark
