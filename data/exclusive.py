"""One serving process per database: two would command the same stations."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg.rows import DictRow, dict_row

from cpms.domain.errors import Conflict, CpmsError
from data.database import Work, translated_errors

log = logging.getLogger(__name__)

Connection = psycopg.AsyncConnection[DictRow]
LOOK_EVERY_S = 5.0


@asynccontextmanager
async def sole_server(dsn: str) -> AsyncIterator[None]:
    """Hold the database's serving lock; Conflict if another process does. PostgreSQL frees it when this process dies.

    It is taken again when the database was away. Should another process have been faster, its controllers' epochs are
    higher: nothing of this process's is stored, or sent, from then on.
    """
    connection = await _take(dsn)
    keeping = asyncio.create_task(_keep(dsn, connection), name="serving lock")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _take(dsn: str) -> Connection:
    with translated_errors():
        connection = await Connection.connect(dsn, autocommit=True, row_factory=dict_row)
        row = await Work(connection).row("try_to_be_sole_server")
    if row is None or not row["held"]:
        await connection.close()
        raise Conflict("Another `cpms serve` uses this database; end it first, or name another database.")
    return connection


async def _keep(dsn: str, connection: Connection) -> None:
    try:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                if connection.closed:
                    connection = await _take(dsn)
                with translated_errors():
                    await connection.execute("SELECT")
            except CpmsError as error:
                log.error("the serving lock is lost: %s", error)
    finally:
        await connection.close()
