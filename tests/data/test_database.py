from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from cpms.domain.errors import StoreUnavailable
from data.database import queries
from data.store import Store

CODE = Path(__file__).parents[2] / "data"


def test_every_named_query_is_used_and_every_used_name_exists() -> None:
    source = "".join(path.read_text() for path in CODE.glob("*.py"))
    called = set(re.findall(r"""\.(?:rows?|run|run_many|copy)\(\s*"(\w+)\"""", source))
    named = set(re.findall(r'"(\w+)"', source))
    assert called <= set(queries()) <= named


async def test_commits_are_durable_even_on_a_server_configured_otherwise(embedded_dsn: str) -> None:
    with psycopg.connect(embedded_dsn, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    async with Store.open(embedded_dsn) as store, store._db.connected() as work:
        row = await (await work.connection.execute("SELECT current_setting('synchronous_commit') AS it")).fetchone()
    assert row == {"it": "on"}


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        async with Store.open("postgresql:///cpms?host=/nonexistent", timeout_s=0.2):
            pass


async def test_a_database_that_takes_no_writes_is_not_healthy(embedded_dsn: str) -> None:
    async with Store.open(embedded_dsn) as store:
        await store.healthy()
    with psycopg.connect(embedded_dsn, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    async with Store.open(embedded_dsn) as store:
        with pytest.raises(StoreUnavailable, match="read-only"):
            await store.healthy()


async def test_connections_cut_by_the_server_cost_nobody_an_error(embedded_dsn: str) -> None:
    async with Store.open(embedded_dsn) as store:
        await store.healthy()
        with psycopg.connect(embedded_dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await store.healthy()


async def test_a_transaction_whose_connection_is_lost_before_the_commit_is_no_success(embedded_dsn: str) -> None:
    async def lose(store: Store) -> None:
        async with store._db.transaction() as work:
            await work.connection.execute("SELECT 1")
            work.connection.pgconn.finish()

    async with Store.open(embedded_dsn) as store:
        with pytest.raises(StoreUnavailable):
            await lose(store)
