"""API tokens made on the command line, by whoever may read the database."""

from __future__ import annotations

import uuid

from cpms.app.database import open_store
from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ApiToken, Role, keyed_hash, new_api_secret
from cpms.settings import Settings


async def create_token(settings: Settings, role: Role, label: str) -> str:
    """A new bearer token; only its hash is kept."""
    if not label.isprintable():
        raise InvalidInput("--label", "is no printable text", "give plain text in UTF-8")
    secret = new_api_secret()
    async with open_store(settings) as store:
        token = ApiToken(str(uuid.uuid4()), role, label, settings.make_clock().now())
        await store.create_api_token(token, keyed_hash(secret, await store.pepper()))
    return secret
