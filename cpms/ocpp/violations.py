"""What is wrong with a message: deviations we read over, violations we answer with a CALLERROR.

Codes: OCPP-J 1.6, 4.2.3 with errata; OCPP 2.0.1 part 4, 4.3.
"""

from __future__ import annotations

import enum

from cpms.domain.errors import ProtocolError


class ErrorCode(enum.Enum):
    """Why a CALL is refused; `wire` spells it as the protocol version wants."""

    FORMAT = "FormatViolation"
    MISSING = "OccurrenceConstraintViolation"
    PROPERTY = "PropertyConstraintViolation"
    TYPE = "TypeConstraintViolation"
    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL = "InternalError"
    FRAMEWORK = "RpcFrameworkError"
    MESSAGE_TYPE = "MessageTypeNotSupported"

    def wire(self, protocol: str) -> str:
        """Its spelling in "ocpp1.6" or "ocpp2.0.1"."""
        return _SPELLED_IN_16.get(self, self.value) if protocol == "ocpp1.6" else self.value


# 1.6 has its own spellings, which its errata keep, and lacks the two codes about framing.
_SPELLED_IN_16 = {
    ErrorCode.FORMAT: "FormationViolation",
    ErrorCode.MISSING: "OccurenceConstraintViolation",
    ErrorCode.FRAMEWORK: "FormationViolation",
    ErrorCode.MESSAGE_TYPE: "FormationViolation",
}


class Violation(ProtocolError):
    """A message that cannot be used, and the code to refuse it with."""

    def __init__(self, code: ErrorCode, problem: str) -> None:
        super().__init__(problem)
        self.code = code
