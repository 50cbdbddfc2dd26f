from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from api import Services, create_app
from api.auth import require_declared
from cpms.domain.identity import ApiToken, Role, keyed_hash
from tests.api.conftest import NOW

OPEN = None
A, G, O, V = Role.ADMIN, Role.GRID_MANAGER, Role.OPERATOR, Role.VIEWER  # noqa: E741 - columns of the table below

MATRIX: dict[tuple[str, str], Role | None] = {
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): V,
    ("GET", "/api/v1/sites"): V,
    ("POST", "/api/v1/sites"): A,
    ("GET", "/api/v1/sites/{site_id}"): V,
    ("PUT", "/api/v1/sites/{site_id}"): A,
    ("DELETE", "/api/v1/sites/{site_id}"): A,
    ("GET", "/api/v1/stations"): V,
    ("POST", "/api/v1/stations"): O,
    ("GET", "/api/v1/stations/{station_id}"): V,
    ("PUT", "/api/v1/stations/{station_id}"): O,
    ("DELETE", "/api/v1/stations/{station_id}"): O,
    ("POST", "/api/v1/stations/{station_id}/key"): O,
    ("POST", "/api/v1/stations/{station_id}/remote-start"): O,
    ("POST", "/api/v1/stations/{station_id}/remote-stop"): O,
    ("GET", "/api/v1/stations/{station_id}/composite-schedule"): O,
    ("GET", "/api/v1/stations/{station_id}/configuration"): O,
    ("GET", "/api/v1/tokens"): V,
    ("POST", "/api/v1/tokens"): O,
    ("PUT", "/api/v1/tokens/{id_tag}"): O,
    ("GET", "/api/v1/api-tokens"): A,
    ("POST", "/api/v1/api-tokens"): A,
    ("DELETE", "/api/v1/api-tokens/{token_id}"): A,
    ("GET", "/api/v1/sites/{site_id}/limits"): V,
    ("PUT", "/api/v1/sites/{site_id}/limits"): G,
    ("GET", "/api/v1/sites/{site_id}/events"): V,
    ("POST", "/api/v1/sites/{site_id}/events"): G,
    ("PUT", "/api/v1/sites/{site_id}/events/{event_id}"): G,
    ("DELETE", "/api/v1/sites/{site_id}/events/{event_id}"): G,
    ("GET", "/api/v1/sites/{site_id}/tariff"): V,
    ("PUT", "/api/v1/sites/{site_id}/tariff"): G,
    ("GET", "/api/v1/sites/{site_id}/plan"): V,
    ("GET", "/api/v1/sites/{site_id}/plans"): V,
    ("GET", "/api/v1/sites/{site_id}/plan/explanation"): V,
    ("POST", "/api/v1/sites/{site_id}/plan/what-if"): V,
    ("GET", "/api/v1/sites/{site_id}/flexibility"): V,
    ("GET", "/api/v1/sites/{site_id}/forecasts"): V,
    ("GET", "/api/v1/sites/{site_id}/forecasts/scores"): V,
    ("GET", "/api/v1/sites/{site_id}/forecasts/models"): V,
    ("GET", "/api/v1/sessions"): V,
    ("GET", "/api/v1/sessions/{session_id}"): V,
    ("GET", "/api/v1/sessions/{session_id}/samples"): V,
    ("PUT", "/api/v1/sessions/{session_id}/need"): O,
    ("GET", "/api/v1/sites/{site_id}/measurements"): V,
    ("POST", "/api/v1/sites/{site_id}/measurements"): O,
    ("GET", "/api/v1/sites/{site_id}/energy"): V,
    ("GET", "/api/v1/sites/{site_id}/alarms"): V,
}
"""Every route and the least role that may use it."""


async def _call(client: httpx.AsyncClient, method: str, path: str, secret: str | None) -> httpx.Response:
    """Call a route about things that do not exist, so that nothing happens when it is allowed."""
    concrete = path.replace("{", "no-").replace("}", "").replace("_", "-")
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    body = {} if method in {"POST", "PUT"} else None
    return await client.request(method, concrete, json=body, headers=headers)


async def test_every_route_is_in_the_role_matrix_and_nothing_else(anonymous: httpx.AsyncClient) -> None:
    paths = (await anonymous.get("/openapi.json")).json()["paths"]
    routes = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert routes == set(MATRIX)


async def test_each_route_lets_exactly_its_roles_pass(anonymous: httpx.AsyncClient) -> None:
    for (method, path), needed in MATRIX.items():
        for role in Role:
            response = await _call(anonymous, method, path, f"secret-{role.value}")
            allowed = needed is OPEN or role.allows(needed)
            assert (response.status_code == 403) is not allowed, (method, path, role, response.text)
            assert response.status_code not in {401, 405, 500}, (method, path, role, response.text)


async def test_without_a_token_only_health_and_the_description_answer(anonymous: httpx.AsyncClient) -> None:
    for (method, path), needed in MATRIX.items():
        response = await _call(anonymous, method, path, None)
        assert (response.status_code == 401) is (needed is not OPEN), (method, path, response.text)
        if needed is not OPEN:
            assert response.headers["WWW-Authenticate"] == "Bearer"
    assert (await anonymous.get("/openapi.json")).status_code == 200
    assert (await anonymous.get("/docs")).status_code == 404, "a page that loads scripts from elsewhere"


async def test_a_wrong_authorization_header_is_unauthenticated(anonymous: httpx.AsyncClient) -> None:
    for header in [
        "Bearer nobody",
        "Bearer ",
        "Basic c2VjcmV0",
        "secret-admin",
        "Bearer secret-admin x",
        "Bearer s\u00e9cret",
    ]:
        response = await anonymous.get("/api/v1/sites", headers={"Authorization": header.encode("latin-1")})
        assert response.status_code == 401
        assert response.json()["type"] == "urn:problem-type:cpms:unauthenticated"


async def test_a_revoked_token_stops_working_at_once(anonymous: httpx.AsyncClient) -> None:
    admin = {"Authorization": "Bearer secret-admin"}
    viewer = {"Authorization": "Bearer secret-viewer"}
    assert (await anonymous.get("/api/v1/sites", headers=viewer)).status_code == 200
    assert (await anonymous.delete("/api/v1/api-tokens/token-viewer", headers=admin)).status_code == 204
    assert (await anonymous.get("/api/v1/sites", headers=viewer)).status_code == 401


async def test_a_token_expires(anonymous: httpx.AsyncClient, services: Services) -> None:
    token = ApiToken("brief", Role.VIEWER, "", NOW, expires_at=NOW + timedelta(seconds=1))
    await services.store.create_api_token(token, keyed_hash("brief-secret", services.pepper))
    headers = {"Authorization": "Bearer brief-secret"}
    assert (await anonymous.get("/api/v1/sites", headers=headers)).status_code == 200
    services.clock.advance(1)
    assert (await anonymous.get("/api/v1/sites", headers=headers)).status_code == 401


def test_an_application_with_a_route_that_declares_no_role_is_not_built() -> None:
    router = APIRouter()

    @router.get("/forgotten")
    def forgotten() -> None: ...

    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    with pytest.raises(RuntimeError, match="/forgotten"):
        require_declared(routes, frozenset())


async def test_the_description_says_that_a_token_is_needed(services: Services) -> None:
    operation = create_app(services).openapi()["paths"]["/api/v1/sites"]["get"]
    assert operation["security"] == [{"token": []}]
