"""Drivers' tokens, API tokens, and the server's own secret."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import datetime

from cpms.domain.errors import NotFound
from cpms.domain.identity import ApiToken, Role, Token
from data.database import Row, Topic

_PEPPER_BYTES = 32


class Access(Topic):
    """Who may charge and who may use the API."""

    async def put_token(self, token: Token) -> None:
        """Make or change a driver's token; idTags differing in case only are the same."""
        await self._db.run("put_token", **asdict(token))

    async def token(self, id_tag: str) -> Token | None:
        """The token of an idTag (in any case), None if it is unknown."""
        row = await self._db.row("token", id_tag=id_tag)
        return None if row is None else Token(**row)

    async def tokens(self) -> tuple[Token, ...]:
        """Every token, by idTag."""
        return tuple(Token(**row) for row in await self._db.rows("tokens"))

    async def create_api_token(self, token: ApiToken, secret_hash: bytes) -> None:
        """Keep an API token; Conflict if its id or secret exists."""
        await self._db.run("create_api_token", **{**asdict(token), "role": token.role.value}, secret_hash=secret_hash)

    async def api_token_by_hash(self, secret_hash: bytes) -> ApiToken | None:
        """The API token whose secret has this hash, expired and revoked ones included."""
        row = await self._db.row("api_token_by_hash", secret_hash=secret_hash)
        return None if row is None else _api_token(row)

    async def api_tokens(self) -> tuple[ApiToken, ...]:
        """Every API token, oldest first."""
        return tuple(_api_token(row) for row in await self._db.rows("api_tokens"))

    async def revoke_api_token(self, token_id: str, at: datetime) -> None:
        """End an API token; the first revocation counts. NotFound."""
        if await self._db.run("revoke_api_token", token_id=token_id, at=at) == 0:
            raise NotFound(f"there is no API token {token_id}")

    async def pepper(self) -> bytes:
        """The secret with which keys are hashed: 256 random bits, made at the first call and kept for ever."""
        async with self._db.transaction() as work:
            await work.run("offer_secret", name="pepper", value=secrets.token_bytes(_PEPPER_BYTES))
        row = await self._db.row("secret", name="pepper")
        if row is None:
            raise NotFound("the pepper was removed from the table secrets; restore it from a backup")
        return bytes(row["value"])


def _api_token(row: Row) -> ApiToken:
    return ApiToken(**{**row, "role": Role(row["role"])})
