"""The database the process uses: the one named, or an embedded one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from cpms.domain.errors import CpmsError, InvalidInput, reason_of
from cpms.settings import Settings
from data.embedded import EmbeddedServer
from data.exclusive import sole_server
from data.migrate import migrate
from data.store import Store

log = logging.getLogger(__name__)

LOOK_EVERY_REAL_S = 1.0


@asynccontextmanager
async def open_store(settings: Settings, *, to_serve: bool = False) -> AsyncIterator[Store]:
    """The migrated store. An embedded server that this process started is stopped at the end.

    `to_serve`: as the only serving process of this database; Conflict if there is another.
    """
    if settings.database_url is not None:
        async with _migrated(settings.database_url.get_secret_value(), to_serve) as store:
            yield store
        return
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"{settings.data_dir}: {reason_of(error)}"
        raise InvalidInput("CPMS_DATA_DIR", problem, "name a folder that is there or can be made") from error
    server = EmbeddedServer(settings.data_dir)
    dsn = await asyncio.to_thread(server.start)
    keeping = asyncio.create_task(_keep_alive(server), name="embedded database")
    try:
        async with _migrated(dsn, to_serve) as store:
            yield store
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await asyncio.to_thread(server.stop)


async def _keep_alive(server: EmbeddedServer) -> None:
    """Start the server again whenever it has died; /readyz tells meanwhile that the database does not answer."""
    while True:
        await asyncio.sleep(LOOK_EVERY_REAL_S)
        if server.lives():
            continue
        log.error("the embedded database died; it is started again")
        try:
            await asyncio.to_thread(server.revive)
        except (CpmsError, OSError) as error:
            log.error("the embedded database does not start: %s", error)


@asynccontextmanager
async def _migrated(dsn: str, to_serve: bool) -> AsyncIterator[Store]:
    await asyncio.to_thread(migrate, dsn)
    async with sole_server(dsn) if to_serve else nullcontext(), Store.open(dsn) as store:
        yield store
