from __future__ import annotations

import httpx

from api import Services
from cpms.domain.identity import keyed_hash


async def test_a_drivers_token_is_added_once_and_then_changed(client: httpx.AsyncClient) -> None:
    token = {"id_tag": "04A2B3", "priority": 2, "label": "Ada", "expires_at": "2027-01-01T00:00:00+01:00"}
    response = await client.post("/api/v1/tokens", json=token)
    assert response.status_code == 201
    assert response.json()["expires_at"] == "2026-12-31T23:00:00Z"
    assert (await client.post("/api/v1/tokens", json=token)).status_code == 409
    changed = await client.put("/api/v1/tokens/04A2B3", json={"blocked": True})
    assert changed.status_code == 200
    [stored] = (await client.get("/api/v1/tokens")).json()["items"]
    assert stored == changed.json()
    assert stored["blocked"] is True


async def test_odd_id_tags_are_refused(client: httpx.AsyncClient) -> None:
    for id_tag in ["", "with space", "x" * 37, "nul\x00", "ümlaut", "a/b"]:
        assert (await client.post("/api/v1/tokens", json={"id_tag": id_tag})).status_code == 422


async def test_an_api_tokens_secret_is_told_once_works_and_is_kept_as_a_hash(
    client: httpx.AsyncClient, services: Services
) -> None:
    response = await client.post("/api/v1/api-tokens", json={"role": "viewer", "label": "wallboard"})
    assert response.status_code == 201
    secret = response.json()["token"]
    seen = await client.get("/api/v1/sites", headers={"Authorization": f"Bearer {secret}"})
    assert seen.status_code == 200
    listed = await client.get("/api/v1/api-tokens")
    assert secret not in listed.text
    assert "wallboard" in listed.text
    assert (await services.store.api_token_by_hash(keyed_hash(secret, services.pepper))).label == "wallboard"


async def test_an_api_token_that_has_already_expired_is_refused(client: httpx.AsyncClient) -> None:
    body = {"role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}
    assert (await client.post("/api/v1/api-tokens", json=body)).status_code == 422


async def test_revoking_an_unknown_api_token_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/api/v1/api-tokens/nobody")).status_code == 404
