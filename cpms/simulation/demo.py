"""The demo: the product serves a site of virtual stations for a day that takes minutes; then it is compared and shown.

The server is a process of its own that reads an accelerated clock from its environment. The clock stands still at the
start of the day until everything is set up; then it runs, and nothing stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path

from rich.console import Console

from cpms.domain.errors import CpmsError, InvalidInput
from cpms.domain.time import AcceleratedClock
from cpms.simulation import report
from cpms.simulation.comparison import compare
from cpms.simulation.day import demo_day
from cpms.simulation.live_day import BEAT_S, LiveDay
from cpms.simulation.past import bring_past
from cpms.simulation.platform import Platform
from cpms.simulation.progress import show_progress
from cpms.simulation.recorded import recorded_day
from cpms.simulation.result import DayResult, DemoResult
from cpms.simulation.scenario import Day, with_wrong_clocks
from cpms.simulation.server_process import ServerProcess, create_token, free_port

READY_WITHIN_S = 60.0
LEASE_PER_SPEED_S, CYCLE_PER_SPEED_S, FORECAST_PER_SPEED_S = 3.75, 2.0, 4.0
"""Real seconds [s] that a lease, a planning cycle and a forecasting cycle last at least. At 480 clock seconds per second a
solve takes minutes of the clock, and a lease has to outlast several."""
FINE_STEPS_UP_TO_SPEED = 120.0
"""Beyond this, steps of 5 minutes pass faster than a plan for them is made and sent."""
FASTEST = 5000.0
LAST_WORDS_S = 10.0
CONTROLLER = "optimized"


class NotReady(CpmsError):
    """Not everything was set up in time."""


@dataclass(frozen=True)
class DemoOptions:
    """What `cpms demo` is told. Ports of 0 are chosen; `data_dir` None is a temporary directory.

    `until_s` [s of the clock]: end the day early. `kill_at_s` [s of the clock]: kill the server then (SIGKILL). `clocks_off_s` [s]:
    stations' clocks are off by up to so much.
    """

    sessions: Path | None = None
    date: date | None = None
    speed: float = 480.0
    seed: int = 7
    report_dir: Path | None = None
    keep: bool = False
    data_dir: Path | None = None
    ocpp_port: int = 0
    api_port: int = 0
    until_s: int | None = None
    kill_at_s: int | None = None
    clocks_off_s: float = 0.0


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


def run_demo(options: DemoOptions, console: Console | None = None) -> DemoResult:
    """Live the day of `options` and show what came of it; Ctrl-C raises KeyboardInterrupt once everything is stopped."""
    return asyncio.run(demo(options, console or Console()))


async def demo(options: DemoOptions, console: Console) -> DemoResult:
    """The same, inside an event loop. SIGTERM and SIGHUP cancel it, so that nothing it started is left behind."""
    if (task := asyncio.current_task()) is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    day = with_wrong_clocks(shortened(chosen_day(options), options.until_s), options.clocks_off_s, options.seed)
    if options.report_dir is not None:
        report.require_writable(options.report_dir)
    with _data_dir(options) as data_dir, _comparing(day, options.seed) as comparisons:
        async with _served(options, day, data_dir, console) as stage:
            await _live_through(stage, console, options.kill_at_s)
            others = await asyncio.to_thread(comparisons.recv)
            result = await _gather(stage, others)
            report.show(result, console)
            if options.report_dir is not None:
                report.write(result, options.report_dir)
                console.print(f"report: {options.report_dir.resolve()}")
            if options.keep:
                await _keep_serving(stage, console)
            return result


def chosen_day(options: DemoOptions) -> Day:
    """The demo day, or the recorded one asked for."""
    if (options.sessions is None) != (options.date is None):
        raise InvalidInput("sessions", "file and date are not both given", "give --sessions FILE and --date YYYY-MM-DD")
    if not 0 < options.speed <= FASTEST:
        raise InvalidInput("speed", f"{options.speed} cannot be lived", "give clock seconds per second, such as 480")
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


@asynccontextmanager
async def _served(options: DemoOptions, day: Day, data_dir: Path, console: Console) -> AsyncIterator[Stage]:
    """Server started, site set up, stations connected, clock about to run; everything stopped at the end."""
    ocpp_port, api_port = options.ocpp_port or free_port(), options.api_port or free_port()
    api_url, ocpp_url = f"http://127.0.0.1:{api_port}", f"ws://127.0.0.1:{ocpp_port}/ocpp"
    environment = {
        "CPMS_DATA_DIR": str(data_dir),
        "CPMS_OCPP_PORT": str(ocpp_port),
        "CPMS_API_PORT": str(api_port),
        "CPMS_LEASE_S": str(max(900.0, LEASE_PER_SPEED_S * options.speed)),
        "CPMS_CYCLE_S": str(max(300.0, CYCLE_PER_SPEED_S * options.speed)),
        "CPMS_FORECAST_CYCLE_S": str(max(900.0, FORECAST_PER_SPEED_S * options.speed)),
        "CPMS_PLAN_STEP_S": "300" if options.speed <= FINE_STEPS_UP_TO_SPEED else "900",
        "CPMS_PLAN_TIME_LIMIT_S": "1.0",
        "CPMS_LOG_LEVEL": "WARNING",
        **({"CPMS_CLOCK_TRANSIT_S": "0"} if options.clocks_off_s else {}),
    }
    log_path = data_dir / "server.log"
    console.print(f"preparing the database in {data_dir}")
    token = await create_token(environment, "admin")
    clock = AcceleratedClock.held(day.starts_at, day.ends_at, options.speed, data_dir / "clock")
    server = ServerProcess(environment | {"CPMS_CLOCK": str(clock)}, api_url, log_path)
    platform = Platform(api_url, token)
    try:
        console.print(f"starting the server: {api_url}, stations at {ocpp_url}, log in {log_path}")
        await server.start(READY_WITHIN_S)
        keys = await set_up(platform, day)
        if day.past_sessions is not None:
            console.print(f"bringing along what {day.past_sessions} knows of the time before")
            console.print(await bring_past(server, platform, day, day.past_sessions))
        live = LiveDay(day, clock, options.speed, options.seed)
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


async def _live_through(stage: Stage, console: Console, kill_at_s: int | None) -> None:
    """Connect the stations, let the day pass, and let them say their last words."""
    live = stage.live
    work = [client.run() for client in live.clients]
    work += [live.beat(), live.state_needs(stage.platform), live.meter(stage.platform)]
    if kill_at_s is not None:
        work.append(_kill_server(stage, kill_at_s, console))
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
            await _all_limited(live)
            console.print(f"{len(live.stations)} stations are connected and limited")
            stage.clock.release()
            await show_progress(live, console)
            await _all_said(live)
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures


async def _kill_server(stage: Stage, kill_at_s: int, console: Console) -> None:
    """What no server survives, to show that nothing is lost: it is started again, as an init system would."""
    await stage.clock.sleep(kill_at_s)
    if (pid := stage.server.pid) is not None:
        console.print(f"killing the server, process {pid}")
        os.kill(pid, signal.SIGKILL)


async def _all_limited(live: LiveDay) -> None:
    """Wait until every station is connected and stores a default profile; without one it would charge without limit."""
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while any(_unlimited(live)):  # noqa: ASYNC110  stations have no event for it
                await asyncio.sleep(BEAT_S)
    except TimeoutError as error:
        missing = ", ".join(_unlimited(live))
        raise NotReady(f"No limit has reached {missing} within {READY_WITHIN_S:g} s.") from error


def _unlimited(live: LiveDay) -> list[str]:
    return [station_id for station_id, station in live.stations.items() if not station.is_limited]


async def _all_said(live: LiveDay) -> None:
    """Wait until every message of the stations is answered, but not for ever."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_S):
            while any(len(station.outbox) for station in live.stations.values()):  # noqa: ASYNC110  as above
                await asyncio.sleep(BEAT_S)


async def _gather(stage: Stage, others: Sequence[DayResult]) -> DemoResult:
    site_id, since = stage.live.day.site.id, stage.live.day.starts_at
    return DemoResult(
        day=stage.live.day,
        results=(stage.live.result(CONTROLLER), *others),
        plans=tuple(await stage.platform.plans(site_id, since)),
        sessions=tuple(await stage.platform.sessions(site_id)),
        alarms=tuple(await stage.platform.alarms(site_id, since)),
        restarts=stage.server.restarts,
    )


async def _keep_serving(stage: Stage, console: Console) -> None:
    console.print(
        f"still serving: {stage.api_url}/openapi.json with the token {stage.token}; stations at {stage.ocpp_url}"
    )
    console.print("Ctrl-C stops everything")
    async with asyncio.TaskGroup() as group:
        for work in (*(client.run() for client in stage.live.clients), stage.live.beat()):
            group.create_task(work)


@contextlib.contextmanager
def _data_dir(options: DemoOptions) -> Iterator[Path]:
    """The directory asked for, which stays, or a temporary one, which goes."""
    if options.data_dir is not None:
        options.data_dir.mkdir(parents=True, exist_ok=True)
        yield options.data_dir
        return
    with tempfile.TemporaryDirectory(prefix="cpms-demo-", ignore_cleanup_errors=True) as directory:
        path = Path(directory)
        path.chmod(0o755)  # the embedded database may run as another user
        yield path


@contextlib.contextmanager
def _comparing(day: Day, seed: int) -> Iterator[Connection]:
    """The day under the comparisons, lived in a process of its own; what is received is their results. It ends with the demo, and if
    somebody ends it before, receiving is an EOFError."""
    context = multiprocessing.get_context("spawn")
    results, told = context.Pipe(duplex=False)
    process = context.Process(target=_tell_comparisons, args=(told, day, seed), daemon=True)
    process.start()
    told.close()
    try:
        yield results
    finally:
        process.terminate()
        process.join()
        results.close()


def _tell_comparisons(told: Connection, day: Day, seed: int) -> None:
    """Ctrl-C is the demo's to answer, and the processor is the server's first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    told.send(compare(day, seed))
