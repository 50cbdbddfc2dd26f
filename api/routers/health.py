"""Whether the process lives, whether it is ready, and its metrics."""

from __future__ import annotations

import json
import logging

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from api.auth import VIEWER
from api.dependencies import ServicesDep
from api.ports import ComponentHealth, Services
from api.problems import KINDS
from api.schemas.health import Alive, Readiness
from cpms.domain.errors import StoreUnavailable

_log = logging.getLogger(__name__)

router = APIRouter(tags=["health"])

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""What answers without a token."""


@router.get("/healthz")
async def healthz() -> Alive:
    """The process is alive; nothing else is asked."""
    return Alive(status="ok")


@router.get("/readyz", responses={503: {"model": Readiness, "description": "A component does not work"}})
async def readyz(services: ServicesDep) -> JSONResponse:
    """Whether every component works: 200 if so, else 503 with the ones that do not."""
    components = await _components(services)
    readiness = Readiness.of(components)
    status = 200 if readiness.ready else 503
    return JSONResponse(readiness.model_dump(mode="json"), status)


@router.get("/metrics", dependencies=[VIEWER], response_class=PlainTextResponse)
async def metrics(services: ServicesDep) -> PlainTextResponse:
    """Prometheus text: what works, how many stations are connected, and what components counted."""
    components = await _components(services)
    series = {"up": {c.name: float(c.ok) for c in components}}
    for component in components:
        for counter, value in component.counters.items():
            series.setdefault(counter, {})[component.name] = value
    connected = len(services.live.connected())
    lines = ["# TYPE cpms_stations_connected gauge", f"cpms_stations_connected {connected}"]
    for name, values in sorted(series.items()):
        lines.append(f"# TYPE cpms_component_{name} gauge")
        lines += [
            f"cpms_component_{name}{{component={json.dumps(c, ensure_ascii=False)}}} {v:.15g}"
            for c, v in values.items()
        ]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


async def _components(services: Services) -> list[ComponentHealth]:
    return [await _database(services), *services.live.health().components]


async def _database(services: Services) -> ComponentHealth:
    try:
        await services.store.healthy()
    except StoreUnavailable as error:
        _log.warning("not ready: %s", error)
        return ComponentHealth("database", ok=False, detail=KINDS[StoreUnavailable].detail or "")
    return ComponentHealth("database", ok=True)
