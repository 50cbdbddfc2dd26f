from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cpms.app.backend import Backend
from cpms.app.housekeeping import Housekeeping, Keeping
from cpms.app.planner import Workers
from cpms.app.sites import Sites
from cpms.app.supervise import Supervisor
from cpms.control.settings import ControlSettings
from cpms.domain.command import Command
from cpms.domain.telemetry import CommandResult
from cpms.domain.time import ManualClock
from data.ingest import SampleIngest
from data.store import Store
from tests.data.examples import SITE, at, build, end_201, start_201, station


async def refuse(station_id: str, command: Command) -> CommandResult:
    raise ConnectionError(station_id)


@pytest.fixture
async def backend(embedded_dsn: str) -> AsyncIterator[Backend]:
    """A product without planner and API, at two o'clock of the examples' day."""
    clock = ManualClock(at(120))
    supervisor, workers = Supervisor(clock), Workers(1, 1.0)
    async with Store.open(embedded_dsn) as store, SampleIngest(store) as ingest:
        await build(store, station())
        sites = Sites(store, workers, supervisor, clock, ControlSettings(), 900.0, None, False, refuse, frozenset)
        await sites.start()
        yield Backend(store, ingest, sites, Housekeeping(store, clock, Keeping(30.0, 400.0)), 300)
        await supervisor.stop()
        workers.stop()


async def test_a_session_whose_end_is_told_again_teaches_once(backend: Backend) -> None:
    """As by a station that never heard the answer."""
    await backend.handle(start_201("T-1"))
    for _ in range(3):
        await backend.handle(end_201("T-1"))
    (known,) = backend.sites.running[SITE.id].history
    assert known.ended_at == end_201("T-1").ended_at
