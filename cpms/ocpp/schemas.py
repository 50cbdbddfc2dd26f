"""Actions that are not ours: the specification's own schemas say how to refuse them."""

from __future__ import annotations

import re

import msgspec
from ocpp.messages import MessageType, get_validator

from cpms.ocpp.violations import ErrorCode, Violation

_ACTION = re.compile(r"[A-Za-z0-9]{1,50}")
_VERSIONS = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1"}
_CODES = {
    "type": ErrorCode.TYPE,
    "maxLength": ErrorCode.TYPE,
    "enum": ErrorCode.PROPERTY,
    "required": ErrorCode.MISSING,
    "minItems": ErrorCode.MISSING,
    "maxItems": ErrorCode.MISSING,
}


def refusal(action: str, payload: bytes | msgspec.Raw, protocol: str) -> Violation:
    """Why a request that we do not serve is refused: unknown to the specification, invalid by it, or not supported by us."""
    if not _ACTION.fullmatch(action):
        return Violation(ErrorCode.NOT_IMPLEMENTED, "the action is none of OCPP's")
    try:
        validator = get_validator(MessageType.Call, action, _VERSIONS[protocol])
    except OSError:
        return Violation(ErrorCode.NOT_IMPLEMENTED, f"{action} is no action of {protocol}")
    try:
        error = next(validator.iter_errors(msgspec.json.decode(payload)), None)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return Violation(ErrorCode.FORMAT, "the payload is no JSON")
    if error is not None:
        return Violation(_CODES.get(str(error.validator), ErrorCode.FORMAT), str(error.message))
    return Violation(ErrorCode.NOT_SUPPORTED, f"{action} is not supported")
