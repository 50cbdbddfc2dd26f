"""Solves and forecasts run in worker processes, so that neither ever delays a station."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from cpms.domain.errors import PlanFailed

log = logging.getLogger(__name__)

Params = ParamSpec("Params")
Result = TypeVar("Result")

ORPHAN_CHECK_S = 1.0
GRACE_S = 2.0
"""So long workers may take to end by themselves when all is over."""


class Workers:
    """A pool of processes that survives late, crashed and killed work: what hangs is killed, what died is replaced."""

    def __init__(self, processes: int, timeout_s: float) -> None:
        self._processes = processes
        self._timeout_s = timeout_s
        self._pool: ProcessPoolExecutor | None = None
        self.failures = 0

    @property
    def running(self) -> bool:
        """Whether there are workers."""
        return self._pool is not None

    async def start(self, warm: bool = True) -> None:
        """Start the workers; `warm`: and have them import what plans and forecasts need."""
        self._pool = self._make_pool()
        if warm:
            await self.run(_warm_up)

    def stop(self) -> None:
        """End the workers, whatever they are doing; those that do nothing end by themselves and leave nothing behind."""
        if self._pool is not None:
            _end(self._pool, GRACE_S)
            self._pool = None

    async def run(self, work: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Result:
        """The result of `work(*args)` in a worker; PlanFailed if it is late or its process died."""
        if self._pool is None:
            raise PlanFailed("the planner is not running")
        pool = self._pool
        future = asyncio.get_running_loop().run_in_executor(pool, functools.partial(work, *args, **kwargs))
        try:
            return await asyncio.wait_for(future, self._timeout_s)
        except TimeoutError:
            self._replace(pool)
            raise PlanFailed(f"{work.__name__} took longer than {self._timeout_s:g} s") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise PlanFailed(f"{work.__name__} was given up with its pool") from None
        except BrokenProcessPool as error:
            self._replace(pool)
            raise PlanFailed(f"the process of {work.__name__} died") from error

    def _make_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._processes, context, initializer=_settle, initargs=(os.getpid(),))

    def _replace(self, pool: ProcessPoolExecutor) -> None:
        self.failures += 1
        if self._pool is pool:
            self._pool = self._make_pool()
        _end(pool, 0.0)


def _end(pool: ProcessPoolExecutor, grace_s: float) -> None:
    processes = list((pool._processes or {}).values())  # the pool has no public way to end work that hangs
    pool.shutdown(wait=False, cancel_futures=True)
    give_up_s = time.monotonic() + grace_s
    for process in processes:
        process.join(max(0.0, give_up_s - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def _settle(parent_pid: int) -> None:
    """Leave Ctrl-C to the parent, and end this worker when that was killed: the pool's pipes alone would keep it waiting for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent_pid:
            time.sleep(ORPHAN_CHECK_S)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def _warm_up() -> bool:
    """Import the heavy libraries, so that the first plan is not late."""
    import forecasting.serving
    import forecasting.sessions.serving
    import optimizer

    return all((optimizer, forecasting.serving, forecasting.sessions.serving))
