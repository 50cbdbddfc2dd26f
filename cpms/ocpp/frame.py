"""OCPP-J framing: bytes to `Call | CallResult | CallError | FrameProblem` and back. Reading never raises.

Sources: OCPP-J 1.6, 4.2; OCPP 2.0.1 part 4, 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

CALL, CALL_RESULT, CALL_ERROR = 2, 3, 4


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `payload` is its JSON, not yet read."""

    message_id: str
    action: str
    payload: bytes | msgspec.Raw


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to one of our requests."""

    message_id: str
    payload: bytes | msgspec.Raw


@dataclass(frozen=True, slots=True)
class CallError:
    """The refusal of one of our requests."""

    message_id: str
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class FrameProblem:
    """Something that is no frame. `message_id` where one can be read; `is_answerable` unless it is an answer itself."""

    problem: str
    message_id: str | None = None
    is_answerable: bool = True
    unknown_type: bool = False


Frame = Call | CallResult | CallError | FrameProblem

_read_call = msgspec.json.Decoder(tuple[Literal[2], str, str, msgspec.Raw]).decode
_read_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
_SALVAGE = re.compile(rb'\s*\[\s*(\d+)\s*,\s*"([^"\\\x00-\x1f]{1,64})"')
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def parse(data: bytes | str) -> Frame:
    """What a station sent, as one of the three frames or a FrameProblem. NUL characters, which no database takes, are dropped."""
    try:
        raw = data.encode() if isinstance(data, str) else bytes(data)
    except UnicodeError:
        return FrameProblem("is not UTF-8")
    if b"\\u0000" in raw:
        raw = _NUL.sub(rb"\1", raw)
    try:
        _, message_id, action, payload = _read_call(raw)
        return Call(message_id, action, payload)
    except _UNREADABLE:
        return _parse_other(raw)


def _parse_other(raw: bytes) -> Frame:
    try:
        parts = _read_parts(raw)
    except _UNREADABLE as error:
        return _salvaged(raw, f"is not a JSON array ({error})")
    if len(parts) < 3:
        return _salvaged(raw, f"has {len(parts)} elements instead of 3 to 5")
    kind, message_id = _plain(parts[0]), _plain(parts[1])
    if not isinstance(message_id, str):
        return FrameProblem("has a message id that is no text", None, kind not in (CALL_RESULT, CALL_ERROR))
    if kind == CALL_RESULT:
        return CallResult(message_id, parts[2])
    if kind == CALL_ERROR:
        description = _plain(parts[3]) if len(parts) > 3 else ""
        return CallError(message_id, str(_plain(parts[2])), str(description))
    return _parse_call(kind, message_id, parts)


def _parse_call(kind: Any, message_id: str, parts: list[msgspec.Raw]) -> Frame:
    if kind != CALL:
        return FrameProblem(f"has the unknown message type {str(kind)[:40]}", message_id, unknown_type=True)
    action = _plain(parts[2])
    if not isinstance(action, str):
        return FrameProblem("has an action that is no text", message_id)
    return Call(message_id, action, parts[3] if len(parts) > 3 else b"{}")


def _plain(part: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(part)
    except _UNREADABLE:
        return None


def _salvaged(raw: bytes, problem: str) -> FrameProblem:
    match = _SALVAGE.match(raw)
    if match is None:
        return FrameProblem(problem)
    kind, message_id = int(match[1][:9]), match[2].decode("utf-8", "replace")
    return FrameProblem(problem, message_id, kind not in (CALL_RESULT, CALL_ERROR))


def call(message_id: str, action: str, payload: Mapping[str, Any]) -> bytes:
    """A request of ours."""
    return _encode((CALL, message_id, action, payload))


def call_result(message_id: str, payload: Mapping[str, Any]) -> bytes:
    """Our answer."""
    return _encode((CALL_RESULT, message_id, payload))


def call_error(message_id: str, code: str, description: str) -> bytes:
    """Our refusal; descriptions are cut at the 255 characters OCPP allows."""
    return _encode((CALL_ERROR, message_id, code, description[:255], {}))
