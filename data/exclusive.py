"""One serving process per database: two would command the same stations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from cpms.domain.errors import Conflict
from data.database import queries, translated_errors


@asynccontextmanager
async def sole_server(dsn: str) -> AsyncIterator[None]:
    """Hold the database's serving lock; Conflict if another process does. PostgreSQL frees it when this process dies."""
    with translated_errors():
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    async with connection:
        cursor = await connection.execute(queries()["try_to_be_sole_server"])
        row = await cursor.fetchone()
        if row is None or not row[0]:
            raise Conflict("Another `cpms serve` uses this database; end it first, or name another database.")
        yield
