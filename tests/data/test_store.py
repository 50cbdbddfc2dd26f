from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import replace

import psycopg
import pytest

from cpms.domain.errors import StoreUnavailable
from cpms.domain.telemetry import TransactionStarted
from data.embedded import EmbeddedServer
from data.migrate import migrate
from data.store import Store
from tests.data.examples import build, start_16, station, told
from tests.databases import open_folder

STATIONS = [f"CP-{n}" for n in range(6)]
ACKNOWLEDGED_BEFORE_THE_KILL = 60


def kill(server: EmbeddedServer) -> None:
    """Every process of the server at once, none warned: what a power cut does, but for the disk's cache."""
    with psycopg.connect(server.dsn) as connection:
        found = connection.execute("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()").fetchall()
    postmaster = int((server.cluster / "postmaster.pid").read_text().split()[0])
    for pid in (postmaster, *(backend for (backend,) in found)):
        with suppress(ProcessLookupError):  # some are gone with their postmaster
            os.kill(pid, signal.SIGKILL)


async def start_until_unavailable(
    store: Store, station_id: str, server: EmbeddedServer, acknowledged: dict[TransactionStarted, str]
) -> None:
    for minute in range(10_000):
        message = replace(start_16(minute), station_id=station_id)
        session = await told(store, message)
        acknowledged[message] = session.transaction_id
        if len(acknowledged) == ACKNOWLEDGED_BEFORE_THE_KILL:
            await asyncio.to_thread(kill, server)


async def test_no_acknowledged_transaction_is_lost_when_the_server_is_killed() -> None:
    acknowledged: dict[TransactionStarted, str] = {}
    with open_folder() as folder, EmbeddedServer(folder) as server:
        await asyncio.to_thread(migrate, server.dsn)
        async with Store.open(server.dsn, timeout_s=1.0) as store:
            await build(store, *(station(name) for name in STATIONS))
            outcomes = await asyncio.gather(
                *(start_until_unavailable(store, name, server, acknowledged) for name in STATIONS),
                return_exceptions=True,
            )
        assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * len(STATIONS)
        with EmbeddedServer(folder) as again:
            async with Store.open(again.dsn) as store:
                stored = {session.transaction_id for session in await store.sessions(limit=10_000)}
                assert set(acknowledged.values()) <= stored
                repeated = {message: (await told(store, message)).transaction_id for message in acknowledged}
                assert repeated == acknowledged
                assert len(await store.sessions(limit=10_000)) == len(stored)


async def test_while_the_database_is_down_nothing_is_acknowledged_and_then_all_goes_on() -> None:
    with open_folder() as folder, EmbeddedServer(folder, settings={"fsync": "off"}) as server:
        await asyncio.to_thread(migrate, server.dsn)
        async with Store.open(server.dsn, timeout_s=1.0) as store:
            await build(store)
            server.stop()
            with pytest.raises(StoreUnavailable):
                await told(store, start_16())
            with pytest.raises(StoreUnavailable):
                await store.healthy()
            server.start()
            await store.healthy()
            assert await store.sessions() == []
