"""Who: stations, connectors, drivers' tokens, and the roles of those who use the API."""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from cpms.domain.errors import InvalidInput

STATION_ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,47}")
"""OCPP 2.0.1 part 4, 3.1.1: the identity is at most 48 characters; slashes and escapes are refused."""


@dataclass(frozen=True, order=True)
class ConnectorKey:
    """One connector of one station. In OCPP 2.0.1 terms `connector_id` is the EVSE's id (one connector per EVSE in use)."""

    station_id: str
    connector_id: int

    def __str__(self) -> str:
        return f"{self.station_id}/{self.connector_id}"


def require_station_id(text: str) -> str:
    """`text` if it can be a station's identity, else InvalidInput."""
    if not STATION_ID_PATTERN.fullmatch(text):
        raise InvalidInput("id", f"{text[:60]!r} cannot be a station's identity", "use 1 to 48 of A-Z a-z 0-9 . _ : -")
    return text


class AuthorizationStatus(enum.Enum):
    """What an idTag may do, in OCPP's words."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


@dataclass(frozen=True)
class Token:
    """What a driver holds out: an RFID card, an app's or a vehicle's identifier (OCPP idTag / idToken)."""

    id_tag: str
    kind: str = "ISO14443"
    blocked: bool = False
    expires_at: datetime | None = None
    priority: int = 0
    label: str = ""

    def status(self, now: datetime) -> AuthorizationStatus:
        """Whether it may charge at `now`."""
        if self.blocked:
            return AuthorizationStatus.BLOCKED
        if self.expires_at is not None and self.expires_at <= now:
            return AuthorizationStatus.EXPIRED
        return AuthorizationStatus.ACCEPTED


class Role(enum.Enum):
    """What the holder of an API token may do; each contains the ones after it."""

    ADMIN = "admin"
    GRID_MANAGER = "grid_manager"
    OPERATOR = "operator"
    VIEWER = "viewer"

    def allows(self, needed: Role) -> bool:
        """Whether this role contains `needed`."""
        order = list(Role)
        return order.index(self) <= order.index(needed)


@dataclass(frozen=True)
class ApiToken:
    """A bearer token of the API; the secret itself is stored only as a hash."""

    id: str
    role: Role
    label: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class StationCredentials:
    """What a connecting station is checked against; `key_hash` is None where none was issued (security profile 0)."""

    station_id: str
    site_id: str
    security_profile: int
    key_hash: bytes | None


def new_station_key() -> str:
    """A fresh key of 160 random bits, 40 hexadecimal characters (OCPP security whitepaper: AuthorizationKey, 16 to 40)."""
    return secrets.token_hex(20)


def new_api_secret() -> str:
    """A fresh bearer token of 256 random bits."""
    return f"cpms_{secrets.token_urlsafe(32)}"


def keyed_hash(secret: str, pepper: bytes) -> bytes:
    """HMAC-SHA256 of a random secret. Slow hashes are for people's passwords; on these they would only turn a storm of
    reconnecting stations into a denial of service."""
    return hmac.new(pepper, secret.encode(), hashlib.sha256).digest()


def matches_hash(secret: str, pepper: bytes, expected: bytes) -> bool:
    """Whether `secret` has the hash `expected`, in constant time."""
    return hmac.compare_digest(keyed_hash(secret, pepper), expected)
