"""Drivers' tokens (idTags)."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import OPERATOR, VIEWER
from api.dependencies import ServicesDep
from api.schemas.common import IdTag, Items
from api.schemas.tokens import NewToken, TokenBody, TokenView
from cpms.domain.errors import Conflict

router = APIRouter(prefix="/tokens", tags=["tokens"])


@router.post("", status_code=201, dependencies=[OPERATOR])
async def create_token(body: NewToken, services: ServicesDep) -> TokenView:
    """Add a driver's token."""
    if await services.store.token(body.id_tag) is not None:
        raise Conflict(f"Token {body.id_tag} exists; change it with PUT /api/v1/tokens/{body.id_tag}.")
    token = body.to_domain(body.id_tag)
    await services.store.put_token(token)
    return TokenView.of(token)


@router.get("", dependencies=[VIEWER])
async def list_tokens(services: ServicesDep) -> Items[TokenView]:
    """Every driver's token."""
    return Items(items=[TokenView.of(token) for token in await services.store.tokens()])


@router.put("/{id_tag}", dependencies=[OPERATOR])
async def put_token(id_tag: IdTag, body: TokenBody, services: ServicesDep) -> TokenView:
    """Add or replace a driver's token."""
    token = body.to_domain(id_tag)
    await services.store.put_token(token)
    return TokenView.of(token)
