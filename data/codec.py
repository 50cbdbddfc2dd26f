"""Domain dataclasses to JSON and back, for what is stored and read whole. Decimals are strings, instants ISO 8601."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from cpms.domain.errors import InvalidInput

T = TypeVar("T")


def to_json(value: object) -> str:
    """`value` as JSON text that `from_json` reads back; InvalidInput for what could not be read back (NaN, infinity)."""
    try:
        encoded = msgspec.json.encode(value)
        msgspec.json.decode(encoded, type=type(value))
    except (msgspec.MsgspecError, TypeError) as error:
        raise InvalidInput(
            type(value).__name__, str(error), "give finite numbers and the fields of the type"
        ) from error
    return encoded.decode()


def from_json(kind: type[T], text: str) -> T:
    """The `kind` that `to_json` wrote; InvalidInput if it is something else."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise InvalidInput(
            kind.__name__, f"stored text cannot be read: {error}", "restore the row from a backup"
        ) from error
