"""The demo's stage: the product as a process of its own on an accelerated clock, a site set up, stations connected.

The server reads the clock from its environment. It stands still at the start of the day until everything is set up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cpms.domain.time import AcceleratedClock
from cpms.simulation.demo_options import DemoOptions
from cpms.simulation.live_day import LiveDay
from cpms.simulation.pace import Pace
from cpms.simulation.past import bring_past
from cpms.simulation.platform import Platform
from cpms.simulation.scenario import Day
from cpms.simulation.server_process import ServerProcess, create_token, free_port

READY_WITHIN_S = 60.0
LEASE_S, CYCLE_S, FORECAST_CYCLE_S = 3.75, 2.0, 4.0
"""Real seconds [s] that a lease, a planning cycle and a forecasting cycle last at least on an idle machine. At 480 clock
seconds per second a solve takes minutes of the clock, and a lease has to outlast several."""
FINE_STEPS_UP_TO_SPEED = 120.0
"""Beyond this, steps of 5 minutes pass faster than a plan for them is made and sent."""


@dataclass(frozen=True)
class Stage:
    """Everything that runs."""

    live: LiveDay
    clock: AcceleratedClock
    server: ServerProcess
    platform: Platform
    api_url: str
    ocpp_url: str
    token: str


@asynccontextmanager
async def served(options: DemoOptions, day: Day, pace: Pace, data_dir: Path, console: Console) -> AsyncIterator[Stage]:
    """Server started, site set up, stations connected, clock about to run; everything stopped at the end."""
    ocpp_port, api_port = options.ocpp_port or free_port(), options.api_port or free_port()
    api_url, ocpp_url = f"http://127.0.0.1:{api_port}", f"ws://127.0.0.1:{ocpp_port}/ocpp"
    environment = _environment(options, pace, data_dir, ocpp_port, api_port)
    log_path = data_dir / "server.log"
    console.print(f"preparing the database in {data_dir}")
    token = await create_token(environment, "admin")
    clock = AcceleratedClock.held(day.starts_at, day.ends_at, pace.speed, data_dir / "clock")
    server = ServerProcess(environment | {"CPMS_CLOCK": str(clock)}, api_url, log_path)
    platform = Platform(api_url, token)
    try:
        console.print(f"starting the server: {api_url}, stations at {ocpp_url}, log in {log_path}")
        await server.start(READY_WITHIN_S)
        keys = await set_up(platform, day)
        if day.past_sessions is not None:
            console.print(f"bringing along what {day.past_sessions} knows of the time before")
            console.print(await bring_past(server, platform, day, day.past_sessions))
        live = LiveDay(day, clock, pace, options.seed)
        live.connect(ocpp_url, keys)
        yield Stage(live, clock, server, platform, api_url, ocpp_url, token)
    finally:
        await platform.close()
        await server.stop()


async def set_up(platform: Platform, day: Day) -> dict[str, str | None]:
    """Tell the product everything about the site; returns the stations' keys."""
    site_id = day.site.id
    await platform.create_site(day.site)
    keys = {station.id: await platform.create_station(station) for station in day.site.stations}
    for visit in {visit.id_tag: visit for visit in day.visits}.values():
        await platform.create_token(visit)
    await platform.put_tariff(site_id, day.tariff)
    if day.limits:
        await platform.put_limits(site_id, day.limits)
    for event in day.events:
        await platform.put_event(event)
    if day.history:
        await platform.add_measurements(site_id, day.history)
    return keys


def _environment(options: DemoOptions, pace: Pace, data_dir: Path, ocpp_port: int, api_port: int) -> dict[str, str]:
    """The server's settings: what a clock this fast needs, and where it is to serve."""
    return {
        "CPMS_DATA_DIR": str(data_dir),
        "CPMS_OCPP_PORT": str(ocpp_port),
        "CPMS_API_PORT": str(api_port),
        "CPMS_LEASE_S": str(max(900.0, pace.clock_s(LEASE_S))),
        "CPMS_CYCLE_S": str(max(300.0, pace.clock_s(CYCLE_S))),
        "CPMS_FORECAST_CYCLE_S": str(max(900.0, pace.clock_s(FORECAST_CYCLE_S))),
        "CPMS_PLAN_STEP_S": "300" if pace.speed * pace.slowness <= FINE_STEPS_UP_TO_SPEED else "900",
        "CPMS_PLAN_TIME_LIMIT_S": "1.0",
        "CPMS_LATENCY_S": str(pace.latency_s),
        "CPMS_LOG_LEVEL": "WARNING",
        **({"CPMS_CLOCK_TRANSIT_S": "0"} if options.clocks_off_s else {}),
    }
