"""Tokens of the API itself."""

from __future__ import annotations

from uuid import uuid4

from fastapi import APIRouter

from api.auth import ADMIN
from api.dependencies import ServicesDep
from api.schemas.common import Id, Items
from api.schemas.tokens import ApiTokenView, CreatedApiToken, NewApiToken
from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ApiToken, keyed_hash, new_api_secret

router = APIRouter(prefix="/api-tokens", tags=["api tokens"])


@router.post("", status_code=201, dependencies=[ADMIN])
async def create_api_token(body: NewApiToken, services: ServicesDep) -> CreatedApiToken:
    """Create a token of the API; its secret is told this once."""
    now = services.clock.now()
    if body.expires_at is not None and body.expires_at <= now:
        raise InvalidInput("expires_at", "has passed", "give a later instant, or none")
    secret = new_api_secret()
    token = ApiToken(uuid4().hex, body.role, body.label, now, body.expires_at)
    await services.store.create_api_token(token, keyed_hash(secret, services.pepper))
    return CreatedApiToken(api_token=ApiTokenView.of(token), token=secret)


@router.get("", dependencies=[ADMIN])
async def list_api_tokens(services: ServicesDep) -> Items[ApiTokenView]:
    """Every token of the API, revoked ones included, without their secrets."""
    return Items(items=[ApiTokenView.of(token) for token in await services.store.api_tokens()])


@router.delete("/{token_id}", status_code=204, dependencies=[ADMIN])
async def revoke_api_token(token_id: Id, services: ServicesDep) -> None:
    """Revoke a token of the API; it stops working at once."""
    await services.store.revoke_api_token(token_id, services.clock.now())
