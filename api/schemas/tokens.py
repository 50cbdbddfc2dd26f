"""Drivers' tokens (idTags) and the API's own."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.common import Body, IdTag, Instant, Text, View
from cpms.domain.identity import ApiToken, Role, Token

TokenKind = Literal["Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"]
"""OCPP 2.0.1, IdTokenEnumType."""


class TokenBody(Body):
    """What a driver's token may do."""

    kind: TokenKind = "ISO14443"
    blocked: bool = False
    expires_at: Instant | None = None
    priority: int = Field(0, ge=0, le=9, description="Of its sessions; higher is served first when not all can be")
    label: Text = ""

    def to_domain(self, id_tag: str) -> Token:
        """The token called `id_tag`."""
        return Token(id_tag, self.kind, self.blocked, self.expires_at, self.priority, self.label)


class NewToken(TokenBody):
    """A driver's token to add."""

    id_tag: IdTag


class TokenView(View):
    """A driver's token."""

    id_tag: str
    kind: str
    blocked: bool
    expires_at: datetime | None
    priority: int
    label: str

    @classmethod
    def of(cls, token: Token) -> TokenView:
        """A stored token."""
        return cls(
            id_tag=token.id_tag,
            kind=token.kind,
            blocked=token.blocked,
            expires_at=token.expires_at,
            priority=token.priority,
            label=token.label,
        )


class NewApiToken(Body):
    """A token of the API to create."""

    role: Role
    label: Text = ""
    expires_at: Instant | None = None


class ApiTokenView(View):
    """A token of the API, without its secret."""

    id: str
    role: Role
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, token: ApiToken) -> ApiTokenView:
        """A stored token."""
        return cls(
            id=token.id,
            role=token.role,
            label=token.label,
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
        )


class CreatedApiToken(View):
    """A token of the API and its secret, which is told this once."""

    api_token: ApiTokenView
    token: str = Field(description="Send it as Authorization: Bearer <token>")
