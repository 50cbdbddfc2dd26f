from __future__ import annotations

import json

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import MAX_BODY_BYTES
from api.problems import KINDS, kind_of
from cpms.domain import errors

SITE = {"id": "s", "timezone": "UTC", "currency": "EUR", "grid_limit_a": 63}
JSON = {"Content-Type": "application/json"}


def _require_problem(response: httpx.Response, status: int) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert {"type", "title", "detail", "instance"} <= set(body)
    return body


async def _require_refused(client: httpx.AsyncClient, site: dict[str, object], field: str) -> dict[str, str]:
    response = await client.post("/api/v1/sites", content=json.dumps(site), headers=JSON)
    found = {error["field"]: error for error in _require_problem(response, 422)["errors"]}
    assert field in found, found
    assert found[field]["problem"]
    assert found[field]["cure"]
    return found[field]


def test_every_class_of_error_has_a_status() -> None:
    tree = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.CpmsError)}
    assert tree == set(KINDS)


def test_an_unsafe_configuration_is_told_apart_from_other_invalid_input() -> None:
    unsafe = kind_of(errors.UnsafeConfiguration("limit_kw", "is too low", "raise it"))
    invalid = kind_of(errors.InvalidInput("limit_kw", "is negative", "raise it"))
    assert (unsafe.status, invalid.status) == (422, 422)
    assert unsafe.type_uri != invalid.type_uri


async def test_an_unknown_field_is_refused_by_name(client: httpx.AsyncClient) -> None:
    error = await _require_refused(client, SITE | {"curency": "EUR"}, "curency")
    assert "leave it out" in error["cure"]


async def test_a_missing_field_is_named(client: httpx.AsyncClient) -> None:
    await _require_refused(client, {"id": "s", "currency": "EUR"}, "timezone")


async def test_numbers_that_are_not_finite_are_refused(client: httpx.AsyncClient) -> None:
    for value in [float("nan"), float("inf"), float("-inf"), "NaN", 1e400]:
        await _require_refused(client, SITE | {"grid_limit_a": value}, "grid_limit_a")


async def test_odd_ids_are_refused(client: httpx.AsyncClient) -> None:
    for site_id in ["", "a b", "a/b", "a\x00b", "../etc", "x" * 49, "-a", "é", "a\n", "\ud800", 7, None]:
        await _require_refused(client, SITE | {"id": site_id}, "id")


async def test_control_characters_and_long_texts_are_refused(client: httpx.AsyncClient) -> None:
    for name in ["a\x00b", "a\u0007b", "a\u2028b", "x" * 201]:
        await _require_refused(client, SITE | {"name": name}, "name")


async def test_a_field_named_by_a_lone_surrogate_costs_nothing(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/sites", content=json.dumps(SITE | {"\ud800": 1}), headers=JSON)
    _require_problem(response, 422)


async def test_unknown_time_zones_are_refused(client: httpx.AsyncClient) -> None:
    for zone in ["Mars/Olympus", "../../etc/passwd", "", "/etc/passwd", "x" * 65]:
        await _require_refused(client, SITE | {"timezone": zone}, "timezone")


async def test_malformed_json_is_refused(client: httpx.AsyncClient) -> None:
    for body in ["", "{", "[1,2", "nul", "[" * 100_000, "1" * 5_000, '{"id": ' + "9" * 5_000 + "}", "\x00"]:
        response = await client.post("/api/v1/sites", content=body, headers=JSON)
        assert response.status_code in {400, 422}
        _require_problem(response, response.status_code)


async def test_a_body_that_is_not_called_json_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/sites", content=json.dumps(SITE), headers={"Content-Type": "text/plain"})
    _require_problem(response, 422)


async def test_a_huge_body_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/sites", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON)
    _require_problem(response, 413)


async def test_a_huge_body_of_unknown_length_is_refused(client: httpx.AsyncClient) -> None:
    async def chunks():
        for _ in range(MAX_BODY_BYTES // 65_536 + 1):
            yield b" " * 65_536

    response = await client.post("/api/v1/sites", content=chunks(), headers=JSON)
    _require_problem(response, 413)


async def test_an_instant_without_a_zone_is_refused(depot: httpx.AsyncClient) -> None:
    body = {"items": [{"limit_kw": 50, "starts_at": "2026-01-15T18:00:00"}]}
    response = await depot.put("/api/v1/sites/depot/limits", json=body)
    [error] = _require_problem(response, 422)["errors"]
    assert error["field"] == "items[0].starts_at"
    assert "offset" in error["cure"]


async def test_a_misspelt_query_parameter_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/sessions", params={"station": "CP-1"})
    [error] = _require_problem(response, 422)["errors"]
    assert error["field"] == "query.station"
    assert "station_id" in error["cure"]


async def test_a_nul_in_a_path_is_refused(client: httpx.AsyncClient) -> None:
    _require_problem(await client.get("/api/v1/sites/a%00b"), 422)


async def test_unknown_paths_and_methods_are_problems_too(client: httpx.AsyncClient) -> None:
    assert _require_problem(await client.get("/api/v1/nothing"), 404)["instance"] == "/api/v1/nothing"
    response = await client.patch("/api/v1/sites")
    _require_problem(response, 405)
    assert response.headers["allow"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _bodies(schema: dict[str, object]) -> st.SearchStrategy[object]:
    """Objects with some of a schema's own fields, of any kind of value."""
    fields = st.sampled_from(sorted(schema["properties"]))
    return st.dictionaries(fields | st.text(max_size=5), JSON_VALUES, max_size=8) | JSON_VALUES


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_body_whatever_breaks_the_api(depot: httpx.AsyncClient, data: st.DataObject) -> None:
    described = (await depot.get("/openapi.json")).json()
    routes = [
        (method, path, operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1])
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    ]
    method, path, schema = data.draw(st.sampled_from(routes))
    body = data.draw(_bodies(described["components"]["schemas"][schema]))
    concrete = path.replace("{site_id}", "depot").replace("{station_id}", "CP-1").replace("{", "x").replace("}", "")
    response = await depot.request(method, concrete, content=json.dumps(body), headers=JSON)
    offline = response.status_code == 503 and "not connected" in response.text
    assert response.status_code < 500 or offline, (method, path, body, response.text)


async def test_a_body_that_is_no_json_is_refused_as_the_body(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/sites", content="{bad", headers=JSON)
    assert [error["field"] for error in _require_problem(response, 422)["errors"]] == ["body"]


async def test_problems_are_described_as_they_are_sent(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    sent = _require_problem(await client.post("/api/v1/sites", content="{}", headers=JSON), 422)
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert "422" not in operation["responses"], path
            schema = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
            assert set(schema["required"]) <= set(sent) == set(schema["properties"]), path
