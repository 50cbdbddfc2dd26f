"""The HTTP application: a shell over `Services`, one router per topic."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from api.auth import require_declared
from api.body_limit import BodyLimit
from api.dependencies import known_query_only
from api.ports import Services
from api.problems import DESCRIBED
from api.problems import install as install_problems
from api.routers import (
    alarms,
    api_tokens,
    commands,
    energy,
    events,
    forecasts,
    health,
    limits,
    measurements,
    plans,
    questions,
    sessions,
    sites,
    stations,
    tariffs,
    tokens,
)

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A year of hourly prices is about one MiB."""

TOPICS = (
    sites, stations, commands, tokens, api_tokens, limits, events, tariffs, plans, questions, forecasts, sessions, measurements,
    energy, alarms,
)  # fmt: skip


def create_app(services: Services) -> FastAPI:
    """The API over `services`. Everything but health, readiness and its own description needs a bearer token."""
    app = FastAPI(
        title="cpms",
        summary="Optimization-first energy management for EV charging",
        version=version("cpms"),
        docs_url=None,  # its page would load scripts from elsewhere; /openapi.json describes everything
        redoc_url=None,
        dependencies=[Depends(known_query_only)],
        responses=DESCRIBED,
    )
    app.state.services = services
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)
    install_problems(app)
    routers = [health.router, *(topic.router for topic in TOPICS)]
    routes = (route for router in routers for route in router.routes if isinstance(route, APIRoute))
    require_declared(routes, health.OPEN_PATHS)
    app.include_router(health.router)
    for topic in TOPICS:
        app.include_router(topic.router, prefix="/api/v1")
    return app
