"""The HTTP API on a real socket, beside connections that only take room."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from api.ports import Services
from cpms.app.api_server import Patience, serving_api
from cpms.domain.time import SystemClock
from data.store import Store
from tests.api.recording import RecordingLive

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def address(embedded_dsn: str) -> AsyncIterator[str]:
    """Of an API that waits a tenth of a second for a request, and lets ten hesitate."""
    async with Store.open(embedded_dsn) as store:
        services = Services(store, RecordingLive(), SystemClock(), b"pepper")
        with socket.create_server(("127.0.0.1", 0)) as door:
            async with serving_api(services, door, Patience(0.1, 10, 0.0)) as address:
                yield address


async def opened(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))


async def ended(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(10):
        try:
            await reader.read()
        except ConnectionResetError:
            return


async def test_who_never_finishes_its_request_is_given_up(address: str) -> None:
    for said in (b"", REQUEST[:20], b"PUT /api/v1/tokens/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"):
        reader, writer = await opened(address)
        writer.write(said)
        await ended(reader)
        writer.close()


async def test_who_asks_is_answered_again_and_again_on_one_connection(address: str) -> None:
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        for _ in range(5):
            assert (await client.get("/healthz")).status_code == 200


async def test_many_who_hesitate_keep_nobody_out(address: str) -> None:
    silent = [await opened(address) for _ in range(60)]
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        assert (await client.get("/healthz")).status_code == 200
    for reader, writer in silent:
        await ended(reader)
        writer.close()
