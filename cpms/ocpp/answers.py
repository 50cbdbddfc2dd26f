"""What the answers to commands have in common in both versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpms.domain.errors import ProtocolError
from cpms.domain.telemetry import CommandOutcome, CommandResult, Reply
from cpms.ocpp.tolerant import read_number

_OUTCOMES = {
    "accepted": CommandOutcome.ACCEPTED,
    "rejected": CommandOutcome.REJECTED,
    "notsupported": CommandOutcome.NOT_SUPPORTED,
    "unknownprofile": CommandOutcome.REJECTED,
}

_NOT_SUPPORTED_CODES = frozenset({"NotImplemented", "NotSupported"})


def outcome_of(status: Any) -> CommandOutcome:
    """ACCEPTED, REJECTED or NOT_SUPPORTED; an answer that says nothing readable leaves open whether the command applies,
    exactly as no answer does: TIMED_OUT."""
    return _OUTCOMES.get(str(status).strip().lower(), CommandOutcome.TIMED_OUT)


def status_result(payload: Mapping[str, Any]) -> CommandResult:
    """The result of a command whose answer is a status."""
    status = payload.get("status")
    info = payload.get("statusInfo")
    detail = " ".join(str(v) for v in info.values()) if isinstance(info, Mapping) else ""
    return CommandResult(outcome_of(status), f"{status} {detail}".strip())


def cleared_result(payload: Mapping[str, Any]) -> CommandResult:
    """The result of ClearChargingProfile: nothing to clear ("Unknown") is as good as cleared."""
    if str(payload.get("status")).lower() == "unknown":
        return CommandResult(CommandOutcome.ACCEPTED, "Unknown")
    return status_result(payload)


def refused(code: str, description: str) -> CommandResult:
    """The result of a command that a CALLERROR answered."""
    outcome = CommandOutcome.NOT_SUPPORTED if code in _NOT_SUPPORTED_CODES else CommandOutcome.REJECTED
    return CommandResult(outcome, f"{code}: {description}"[:200])


def unfit(action: str, reply: Reply) -> ProtocolError:
    """The error for a reply that does not answer `action`."""
    return ProtocolError(f"{type(reply).__name__} does not answer {action}")


def rate_units(text: Any) -> frozenset[str]:
    """Units of charging limits: "Current" or "A", "Power" or "W", in any mixture; A where nothing is said."""
    words = {word.strip().lower() for word in str(text or "").split(",")}
    units = {"A"} if words & {"current", "a"} else set()
    return frozenset(units | ({"W"} if words & {"power", "w"} else set())) or frozenset({"A"})


def whole_number(value: Any) -> int | None:
    """An integer, also from text; None if it is none."""
    number = None if value is None else read_number(str(value))
    return None if number is None else int(number)
