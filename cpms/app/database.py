"""The database the process uses: the one named, or an embedded one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cpms.settings import Settings
from data.embedded import EmbeddedServer
from data.migrate import migrate
from data.store import Store


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The migrated store. An embedded server that this process started is stopped at the end."""
    if settings.database_url is not None:
        async with _migrated(settings.database_url.get_secret_value()) as store:
            yield store
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(settings.data_dir)
    dsn = await asyncio.to_thread(server.start)
    try:
        async with _migrated(dsn) as store:
            yield store
    finally:
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def _migrated(dsn: str) -> AsyncIterator[Store]:
    await asyncio.to_thread(migrate, dsn)
    async with Store.open(dsn) as store:
        yield store
