"""What the demo is told: which day, how fast, with what going wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from rich.console import Console

from cpms.domain.errors import InvalidInput
from cpms.simulation.day import demo_day
from cpms.simulation.pace import Pace, affordable_pace
from cpms.simulation.recorded import recorded_day
from cpms.simulation.scenario import Day

FASTEST = 5000.0
DAY_S = 86400.0


@dataclass(frozen=True)
class DemoOptions:
    """What `cpms demo` is told. Ports of 0 are chosen; `data_dir` None is a temporary directory.

    `until_s` [s of the clock]: end the day early. `kill_at_s` [s of the clock]: kill the server then (SIGKILL). `clocks_off_s` [s]:
    stations' clocks are off by up to so much. `speed` [clock seconds per second] None is what the machine can keep up with.
    """

    sessions: Path | None = None
    date: date | None = None
    speed: float | None = None
    seed: int = 7
    report_dir: Path | None = None
    keep: bool = False
    data_dir: Path | None = None
    ocpp_port: int = 0
    api_port: int = 0
    until_s: int | None = None
    kill_at_s: int | None = None
    clocks_off_s: float = 0.0


async def chosen_pace(options: DemoOptions, console: Console) -> Pace:
    """As fast as asked for, or as the machine can keep up with."""
    if options.speed is None:
        pace = await asyncio.to_thread(affordable_pace)
        if pace.slowness > 1.0:
            console.print(
                f"this machine is slow or busy ({pace.slowness:.1f} times): a day in {DAY_S / pace.speed / 60:.0f} minutes"
            )
        return pace
    if not 0 < options.speed <= FASTEST:
        raise InvalidInput("--speed", f"{options.speed} cannot be lived", "give clock seconds per second, such as 480")
    return Pace(options.speed)


def chosen_day(options: DemoOptions) -> Day:
    """The demo day, or the recorded one asked for."""
    if (options.sessions is None) != (options.date is None):
        raise InvalidInput(
            "--sessions", "file and date are not both given", "give --sessions FILE and --date YYYY-MM-DD"
        )
    if options.sessions is not None and options.date is not None:
        return recorded_day(options.sessions, options.date)
    return demo_day(options.seed)


def shortened(day: Day, until_s: int | None) -> Day:
    """The day ended early, after `until_s` seconds [s]; whoever is there then leaves."""
    if until_s is None or until_s >= day.duration_s:
        return day
    ends_at = day.instant_of(until_s)
    visits = tuple(
        replace(visit, departs_at=min(visit.departs_at, ends_at)) for visit in day.visits if visit.arrives_at < ends_at
    )
    return replace(day, duration_s=until_s, visits=visits)
