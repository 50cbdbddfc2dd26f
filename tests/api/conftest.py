from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from api import Services, create_app
from cpms.domain.identity import ApiToken, Role, keyed_hash
from cpms.domain.time import ManualClock
from data.store import Store
from tests.api.recording import RecordingLive

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def live() -> RecordingLive:
    return RecordingLive()


@pytest.fixture
async def services(embedded_dsn: str, live: RecordingLive) -> AsyncIterator[Services]:
    async with Store.open(embedded_dsn) as store:
        pepper = await store.pepper()
        services = Services(store, live, ManualClock(NOW), pepper)
        for role in Role:
            token = ApiToken(f"token-{role.value}", role, role.value, NOW)
            await store.create_api_token(token, keyed_hash(f"secret-{role.value}", pepper))
        yield services


@pytest.fixture
async def anonymous(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://cpms.test") as client:
        yield client


@pytest.fixture
def client(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with an administrator's token."""
    anonymous.headers["Authorization"] = "Bearer secret-admin"
    return anonymous


@pytest.fixture
async def depot(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The client, with a site of 100 A (two feeders of 63 A) and the station CP-1 of one connector on it."""
    site = {
        "id": "depot",
        "timezone": "Europe/Amsterdam",
        "currency": "EUR",
        "import_limit_kw": 60,
        "feeders": [
            {"id": "grid", "limit_a": 100},
            {"id": "north", "limit_a": 63, "parent_id": "grid"},
            {"id": "south", "limit_a": 63, "parent_id": "grid"},
        ],
    }
    (await client.post("/api/v1/sites", json=site)).raise_for_status()
    station = {
        "id": "CP-1",
        "site_id": "depot",
        "feeder_id": "north",
        "connectors": [{"id": 1, "fallback_current_a": 6}],
    }
    (await client.post("/api/v1/stations", json=station)).raise_for_status()
    return client
