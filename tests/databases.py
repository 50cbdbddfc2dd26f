"""Database servers for tests: the embedded PostgreSQL and a real TimescaleDB, and fresh migrated databases on them."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from data.embedded import EmbeddedServer
from data.migrate import migrate
from tests import timescale

_TEMPLATE = "migrated"


_MEMORY = Path("/dev/shm")
_MEMORY_NEEDED_BYTES = 2_000_000_000


@contextmanager
def open_folder(base: Path = Path("/tmp")) -> Iterator[Path]:
    """An empty folder with a short path that the server's account can enter (pytest's own are closed to it)."""
    folder = Path(tempfile.mkdtemp(prefix="cpms-test-", dir=base))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@dataclass
class TestServer:
    """A running server whose template database is migrated; `fresh` copies it."""

    __test__ = False
    dsn: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def empty(self) -> str:
        """DSN of a new database without schema."""
        return self._create("template1")

    def fresh(self) -> str:
        """DSN of a new migrated database."""
        return self._create(_TEMPLATE)

    def dsn_of(self, database: str) -> str:
        """DSN of a database on this server."""
        return self.dsn.replace(":///cpms?", f":///{database}?")

    def drop(self, dsn: str) -> None:
        """Remove a database that `empty` or `fresh` made, whoever is still connected."""
        name = urlsplit(dsn).path.removeprefix("/")
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.dsn_of(name)


@contextmanager
def running(bin_dir: Path | None = None, settings: dict[str, str] | None = None) -> Iterator[TestServer]:
    """A server for a session of tests, with a migrated template. No fsync, and in memory where there is enough: hundreds of
    databases come and go, and a machine that loses power loses its tests."""
    fast = {
        "fsync": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "max_connections": "100",
        **(settings or {}),
    }
    with open_folder(_roomiest()) as folder, EmbeddedServer(folder, settings=fast, bin_dir=bin_dir) as embedded:
        server = TestServer(embedded.dsn)
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {_TEMPLATE}".encode())
            migrate(server.dsn_of(_TEMPLATE))
            # TimescaleDB's scheduler would hold it, and what is held cannot be copied
            connection.execute(f"ALTER DATABASE {_TEMPLATE} ALLOW_CONNECTIONS false".encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [_TEMPLATE])
        yield server


def _roomiest() -> Path:
    has_room = _MEMORY.exists() and shutil.disk_usage(_MEMORY).free > _MEMORY_NEEDED_BYTES
    return _MEMORY if has_room else Path("/tmp")


@contextmanager
def running_timescaledb() -> Iterator[TestServer]:
    """A server with TimescaleDB; skips and says why where there is none, fails under CPMS_REQUIRE_TIMESCALEDB=1."""
    found = timescale.binaries()
    if found is None:
        reason = "no TimescaleDB here: `python -m tests.prepare` installs it, or says why this machine cannot have it"
        if timescale.REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    settings = {
        "shared_preload_libraries": "timescaledb",
        "timescaledb.telemetry_level": "off",
        "timescaledb.max_background_workers": "0",
    }
    with running(found, settings) as server:
        yield server
