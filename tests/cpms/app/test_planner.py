import os
import signal
import time

import pytest

from cpms.app.planner import Workers
from cpms.domain.errors import PlanFailed


@pytest.fixture
def workers():
    pool = Workers(processes=1, timeout_s=20.0)
    pool._pool = pool._make_pool()
    yield pool
    pool.stop()


async def test_work_is_done_in_another_process(workers: Workers) -> None:
    assert await workers.run(os.getpid) != os.getpid()


async def test_a_killed_worker_fails_its_plan_and_is_replaced(workers: Workers) -> None:
    pid = await workers.run(os.getpid)
    with pytest.raises(PlanFailed, match="died"):
        await workers.run(os.kill, pid, signal.SIGKILL)
    assert await workers.run(os.getpid) != pid
    assert workers.failures == 1


async def test_ctrl_c_is_the_parents_business(workers: Workers) -> None:
    pid = await workers.run(os.getpid)
    os.kill(pid, signal.SIGINT)
    assert await workers.run(os.getpid) == pid


async def test_late_work_is_given_up_and_does_not_hold_up_the_next(workers: Workers) -> None:
    await workers.run(os.getpid)
    workers._timeout_s = 0.2
    with pytest.raises(PlanFailed, match="longer than"):
        await workers.run(time.sleep, 60)
    workers._timeout_s = 20.0
    assert await workers.run(abs, -1) == 1


async def test_an_error_in_the_work_is_the_callers(workers: Workers) -> None:
    with pytest.raises(ZeroDivisionError):
        await workers.run(divmod, 1, 0)


async def test_nothing_runs_before_the_start() -> None:
    with pytest.raises(PlanFailed, match="not running"):
        await Workers(1, 1.0).run(abs, -1)
