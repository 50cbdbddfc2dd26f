"""Fixtures of every room: databases.

`embedded_dsn`: a fresh migrated database on the embedded PostgreSQL. `timescaledb_dsn`: one on TimescaleDB.
`dsn`, `store`: on both, one test each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from data.store import Store
from tests.databases import TestServer, running, running_timescaledb


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[TestServer]:
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def timescaledb_server() -> Iterator[TestServer]:
    with running_timescaledb() as server:
        yield server


@pytest.fixture(params=["embedded", "timescaledb"])
def server(request: pytest.FixtureRequest) -> TestServer:
    found: TestServer = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def embedded_dsn(embedded_server: TestServer) -> Iterator[str]:
    yield from _fresh(embedded_server)


@pytest.fixture
def timescaledb_dsn(timescaledb_server: TestServer) -> Iterator[str]:
    yield from _fresh(timescaledb_server)


@pytest.fixture
def dsn(server: TestServer) -> Iterator[str]:
    yield from _fresh(server)


def _fresh(server: TestServer) -> Iterator[str]:
    dsn = server.fresh()
    yield dsn
    server.drop(dsn)


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[Store]:
    async with Store.open(dsn) as opened:
        yield opened
