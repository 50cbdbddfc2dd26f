"""The connection pool and the named queries: the one place where SQL is run and its errors become ours."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from cpms.domain.errors import Conflict, CpmsError, InvalidInput, NotFound, StoreUnavailable

Row = DictRow
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def queries() -> Mapping[str, bytes]:
    """Every query of data/queries/*.sql by its name (`-- name: ...` above it)."""
    found: dict[str, bytes] = {}
    for file in (files("data") / "queries").iterdir():
        _, *parts = _NAME.split(file.read_text()) if file.name.endswith(".sql") else ("",)
        for name, sql in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise InvalidInput(f"queries/{file.name}", f"{name} exists already", "give the query another name")
            found[name] = sql.strip().rstrip(";").encode()
    return found


class Work:
    """Named queries on one connection."""

    def __init__(self, connection: psycopg.AsyncConnection[DictRow]) -> None:
        self.connection = connection

    async def rows(self, query: str, **values: object) -> list[Row]:
        """All rows of a query."""
        return await (await self.connection.execute(queries()[query], values)).fetchall()

    async def row(self, query: str, **values: object) -> Row | None:
        """The first row of a query, None if there is none."""
        return await (await self.connection.execute(queries()[query], values)).fetchone()

    async def run(self, query: str, **values: object) -> int:
        """Run a query; returns how many rows it touched."""
        return (await self.connection.execute(queries()[query], values)).rowcount

    async def run_many(self, query: str, many: Iterable[Mapping[str, object]]) -> None:
        """Run a query once per set of values, in one round trip."""
        async with self.connection.cursor() as cursor:
            await cursor.executemany(queries()[query], list(many))

    async def copy(self, query: str, types: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """COPY ... FROM STDIN (FORMAT binary) of rows of `types`."""
        async with self.connection.cursor() as cursor, cursor.copy(queries()[query]) as copy:
            copy.set_types(types)
            for row in rows:
                await copy.write_row(row)


class Database:
    """A pool of connections. Methods like those of Work run in a transaction of their own."""

    def __init__(self, pool: AsyncConnectionPool[psycopg.AsyncConnection[DictRow]], dsn: str) -> None:
        self._pool = pool
        self.dsn = dsn
        self._days: set[tuple[str, date]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, max_connections: int, timeout_s: float) -> AsyncIterator[Database]:
        """Connect; StoreUnavailable if nobody answers within `timeout_s` [s], now and later."""
        pool = AsyncConnectionPool(
            dsn,
            connection_class=psycopg.AsyncConnection[DictRow],
            kwargs={"row_factory": dict_row, "autocommit": True},
            min_size=1,
            max_size=max_connections,
            timeout=timeout_s,
            reconnect_timeout=timeout_s,  # then the next request tries anew, instead of waiting for ever longer pauses
            configure=_configure,
            check=AsyncConnectionPool.check_connection,  # so that a restarted server costs nobody an error
            open=False,
        )
        try:
            with translated_errors():
                await pool.open(wait=True, timeout=timeout_s)
            yield cls(pool, dsn)
        finally:
            await pool.close()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Work]:
        """A connection; every statement commits by itself."""
        with translated_errors():
            async with self._pool.connection() as connection:
                yield Work(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        """A connection in a transaction that is durable when the block has ended; StoreUnavailable if it is not.

        psycopg ends a block on a lost connection without an error if nothing inside noticed: that would be a false acknowledgement.
        """
        async with self.connected() as work:
            async with work.connection.transaction() as transaction:
                yield work
            if transaction.status is not transaction.Status.COMMITTED:
                raise psycopg.OperationalError("the connection was lost before the commit")

    async def rows(self, query: str, **values: object) -> list[Row]:
        """All rows of a query."""
        async with self.connected() as work:
            return await work.rows(query, **values)

    async def row(self, query: str, **values: object) -> Row | None:
        """The first row of a query, None if there is none."""
        async with self.connected() as work:
            return await work.row(query, **values)

    async def run(self, query: str, **values: object) -> int:
        """Run a query; returns how many rows it touched."""
        async with self.connected() as work:
            return await work.run(query, **values)

    async def ensure_days(self, series: str, days: Iterable[date]) -> None:
        """Make the partitions of `series` for `days`, ahead of the transaction that writes: it takes locks of its own."""
        for day in sorted(set(days)):
            if (series, day) not in self._days:
                await self.run("ensure_day", series=series, day=day)
                self._days.add((series, day))


class Topic:
    """A part of the store: methods of one subject on the shared database."""

    def __init__(self, database: Database) -> None:
        self._db = database


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    """Instants in UTC, and never an acknowledgement before the commit is on disk, however the server is configured."""
    await connection.execute("SET timezone = 'UTC'")
    await connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )


class translated_errors:  # noqa: N801 - reads as the verb of a with statement
    """Turns the database's errors into those of `cpms.domain.errors`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, psycopg.Error):
            raise _translate(error) from error


def _translate(error: psycopg.Error) -> CpmsError:
    detail = error.diag.message_detail or error.diag.message_primary or str(error)
    if isinstance(error, psycopg.errors.UniqueViolation):
        return Conflict(detail)
    if isinstance(error, psycopg.errors.ForeignKeyViolation):
        return NotFound(detail)
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        field = error.diag.column_name or error.diag.constraint_name or "value"
        return InvalidInput(field, error.diag.message_primary or str(error), "correct the value")
    return StoreUnavailable(f"the database does not answer: {str(error).strip()}")
