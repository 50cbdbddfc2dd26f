from __future__ import annotations

import httpx

from api import ComponentHealth, Services
from data.store import Store
from tests.api.conftest import NOW
from tests.api.recording import RecordingLive


async def test_the_process_lives_without_asking_anybody(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_it_is_ready_when_every_component_works(anonymous: httpx.AsyncClient, live: RecordingLive) -> None:
    live.components = (ComponentHealth("gateway", ok=True, since=NOW),)
    response = await anonymous.get("/readyz")
    assert response.status_code == 200
    assert response.json()["ready"] is True
    assert [c["name"] for c in response.json()["components"]] == ["database", "gateway"]


async def test_it_is_not_ready_while_a_component_does_not_work(
    anonymous: httpx.AsyncClient, live: RecordingLive
) -> None:
    live.components = (ComponentHealth("planner", ok=False, detail="worker restarts", since=NOW),)
    response = await anonymous.get("/readyz")
    assert response.status_code == 503
    [planner] = [c for c in response.json()["components"] if not c["ok"]]
    assert planner == {"name": "planner", "ok": False, "detail": "worker restarts", "since": "2026-01-15T12:00:00Z"}


async def test_metrics_are_prometheus_text(client: httpx.AsyncClient, live: RecordingLive) -> None:
    live.components = (ComponentHealth("ingest", ok=True, counters={"rows": 12}),)
    live.stations = {"CP-1", "CP-2"}
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = response.text.splitlines()
    assert 'cpms_component_up{component="database"} 1' in lines
    assert "cpms_stations_connected 2" in lines
    assert 'cpms_component_rows{component="ingest"} 12' in lines


async def test_without_the_database_it_lives_is_not_ready_and_answers_503(
    client: httpx.AsyncClient, services: Services, embedded_dsn: str
) -> None:
    async with Store.open(embedded_dsn) as store:
        services.store = store
    assert (await client.get("/healthz")).status_code == 200
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert [c["name"] for c in ready.json()["components"] if not c["ok"]] == ["database"]
    response = await client.get("/api/v1/sites")
    assert response.status_code == 503
    assert response.json()["type"] == "urn:problem-type:cpms:store-unavailable"
    assert response.headers["Retry-After"]
