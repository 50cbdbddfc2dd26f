"""The one tree of errors.

    CpmsError
     +-- InvalidInput             what came in cannot be used; names field, problem and cure
     |    +-- UnsafeConfiguration a limit or station setting that could not be kept safe
     +-- NotFound                 the thing asked for does not exist
     +-- Conflict                 the thing asked for contradicts what is stored
     +-- Unauthenticated          nobody, or nobody we know
     +-- Forbidden                known, but not allowed
     +-- StationUnreachable       a command could not be delivered
     +-- StoreUnavailable         the database cannot answer now
     +-- PlanFailed               the optimizer produced no plan
     +-- ProtocolError            a station broke the protocol (translated in `cpms.ocpp`)

A class's docstring is its default message. Translation to OCPP CALLERROR codes happens in `cpms.ocpp`, to
problem+json (RFC 9457) in `api`, and nowhere else.
"""

from __future__ import annotations

import inspect


class CpmsError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.getdoc(type(self)) or type(self).__name__)


def reason_of(error: OSError) -> str:
    """Why the machine refused, in its words and without its number: "No such file or directory"."""
    return error.strerror or str(error)


class InvalidInput(CpmsError):
    """The input cannot be used.

    `field` names what is wrong, `problem` the value's problem, `cure` what would be accepted.
    """

    def __init__(self, field: str, problem: str, cure: str) -> None:
        super().__init__(f"{field}: {problem}; {cure}")
        self.field = field
        self.problem = problem
        self.cure = cure

    def __reduce__(self) -> tuple[type[InvalidInput], tuple[str, str, str]]:
        """How it travels between processes: one that cannot be read again would take the whole pool of workers with it."""
        return type(self), (self.field, self.problem, self.cure)


class UnsafeConfiguration(InvalidInput):
    """The configuration could not be kept below its limits (invariant G1)."""


class NotFound(CpmsError):
    """There is no such thing."""


class Conflict(CpmsError):
    """The request contradicts what is stored."""


class Unauthenticated(CpmsError):
    """Valid credentials are needed."""


class Forbidden(CpmsError):
    """This token's role does not allow it."""


class StationUnreachable(CpmsError):
    """The station is not connected."""


class StoreUnavailable(CpmsError):
    """The database cannot answer now."""


class PlanFailed(CpmsError):
    """The optimizer produced no plan."""


class ProtocolError(CpmsError):
    """The station broke the protocol."""
