"""One serving process per database: two would command the same stations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg.rows import dict_row

from cpms.domain.errors import Conflict
from data.database import Work, translated_errors


@asynccontextmanager
async def sole_server(dsn: str) -> AsyncIterator[None]:
    """Hold the database's serving lock; Conflict if another process does. PostgreSQL frees it when this process dies."""
    with translated_errors():
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, row_factory=dict_row)
    async with connection:
        row = await Work(connection).row("try_to_be_sole_server")
        if row is None or not row["held"]:
            raise Conflict("Another `cpms serve` uses this database; end it first, or name another database.")
        yield
