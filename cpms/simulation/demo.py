"""The demo: the product serves a site of virtual stations for a day that takes minutes; then it is compared and shown.

The clock stands still at the start of the day until everything is set up; then it runs, and nothing stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from rich.console import Console

from cpms.domain.errors import CpmsError
from cpms.simulation import report
from cpms.simulation.comparison import compare
from cpms.simulation.demo_options import DemoOptions, chosen_day, chosen_pace, shortened
from cpms.simulation.live_day import BEAT_S, LiveDay
from cpms.simulation.progress import show_progress
from cpms.simulation.result import DayResult, DemoResult
from cpms.simulation.scenario import Day, with_wrong_clocks
from cpms.simulation.stage import READY_WITHIN_S, Stage, served

LAST_WORDS_S = 10.0
CONTROLLER = "optimized"


class NotReady(CpmsError):
    """Not everything was set up in time."""


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
    pace = await chosen_pace(options, console)
    with _data_dir(options) as data_dir, _comparing(day, options.seed) as comparisons:
        async with served(options, day, pace, data_dir, console) as stage:
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
