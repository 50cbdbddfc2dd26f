"""Who may connect: the opening request of a station, judged without any socket.

Sources: OCPP-J 1.6, 3.1; OCPP 2.0.1 part 4, 3.1, and part 2, A00 (security profile 1: basic authentication).
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote, urlsplit

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import StationCredentials, keyed_hash, matches_hash, require_station_id

SUBPROTOCOLS = ("ocpp2.0.1", "ocpp1.6")
PATH_PREFIX = "/ocpp/"
_NOBODY = keyed_hash("", b"nobody")


class Refused(Exception):
    """The connection is refused with an HTTP `status` and a text for whoever installs the station."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def key_of(station_id: str, header: str | None) -> bytes | None:
    """The key in an Authorization header (RFC 7617); None unless it is basic and its username is the station's identity.

    Identities and keys may contain colons, so the identity tells where the key begins.
    """
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        login = base64.b64decode(value.strip(), validate=True)
    except binascii.Error:
        return None
    username = f"{station_id}:".encode()
    return login[len(username) :] if login.startswith(username) else None


def station_id_of(path: str) -> str:
    """The identity in `/ocpp/{station_id}`. Refused (404) if there is none that a station could have."""
    plain = urlsplit(path).path
    if not plain.startswith(PATH_PREFIX):
        raise Refused(404, f"Connect to {PATH_PREFIX}{{station_id}}.")
    try:
        return require_station_id(unquote(plain[len(PATH_PREFIX) :], errors="strict"))
    except (InvalidInput, UnicodeError) as error:
        raise Refused(404, f"This is no identity of a station: {error}.") from error


def require_login(station_id: str, credentials: StationCredentials | None, header: str | None, pepper: bytes) -> None:
    """Refused unless the station is known (else 404) and its login right (else 401), in the same time either way."""
    key = key_of(station_id, header)
    expected = credentials.key_hash if credentials is not None else None
    matches = _matches(key or b"", pepper, expected or _NOBODY)
    if credentials is None:
        raise Refused(404, f"There is no station {station_id}. Create it first.")
    if credentials.security_profile == 0:
        return
    if key is None:
        raise Refused(401, "This station needs HTTP basic authentication with its identity as username and its key.")
    if expected is None or not matches:
        raise Refused(401, f"The key is not that of station {station_id}.")


def _matches(key: bytes, pepper: bytes, expected: bytes) -> bool:
    """Whether a station holds the key. Some send the bytes that the hexadecimal digits of the key stand for, not the digits."""
    as_text = matches_hash(key.decode("latin-1"), pepper, expected)
    as_digits = matches_hash(key.hex(), pepper, expected)
    return as_text or as_digits


def require_subprotocol(offered: list[str]) -> str:
    """The best subprotocol that both speak. Refused (400) if there is none."""
    for subprotocol in SUBPROTOCOLS:
        if subprotocol in offered:
            return subprotocol
    said = ", ".join(offered) or "nothing"
    raise Refused(400, f"Sec-WebSocket-Protocol offers {said}. This server speaks {' and '.join(SUBPROTOCOLS)}.")
