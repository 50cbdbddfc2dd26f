"""Errors as problem+json (RFC 9457): the only place where they are given HTTP status codes.

Beside the members of the RFC a problem may carry `errors`, one `{field, problem, cure}` for each thing to correct.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api.cures import FieldError, explain
from cpms.domain import errors

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProblemKind:
    """How a kind of error is told: HTTP status, title, additional headers, and `detail` where the error's own message is
    for the log only, as it may name machines."""

    status: int
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: str | None = None

    @property
    def type_uri(self) -> str:
        """The problem's type: a stable name, not an address."""
        return f"urn:problem-type:cpms:{self.title.lower().replace(' ', '-')}"


KINDS: dict[type[errors.CpmsError], ProblemKind] = {
    errors.UnsafeConfiguration: ProblemKind(422, "Unsafe configuration"),
    errors.InvalidInput: ProblemKind(422, "Invalid input"),
    errors.NotFound: ProblemKind(404, "Not found"),
    errors.Conflict: ProblemKind(409, "Conflict"),
    errors.Unauthenticated: ProblemKind(401, "Unauthenticated", {"WWW-Authenticate": "Bearer"}),
    errors.Forbidden: ProblemKind(403, "Forbidden"),
    errors.StationUnreachable: ProblemKind(503, "Station unreachable", {"Retry-After": "30"}),
    errors.StoreUnavailable: ProblemKind(
        503, "Store unavailable", {"Retry-After": "5"}, "The database cannot answer now."
    ),
    errors.PlanFailed: ProblemKind(503, "Plan failed", {"Retry-After": "30"}),
    errors.ProtocolError: ProblemKind(502, "Protocol error"),
    errors.CpmsError: ProblemKind(500, "Internal error", {}, "Something went wrong; it has been logged."),
}
"""The one table from domain errors to HTTP; a class without a row takes its parent's."""


_FIELD_ERROR = {"type": "object", "properties": {name: {"type": "string"} for name in ("field", "problem", "cure")}}
DESCRIBED: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457); `errors` names each thing to correct and how",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail", "instance"],
                    "properties": {
                        "type": {"type": "string", "examples": ["urn:problem-type:cpms:invalid-input"]},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "instance": {"type": "string"},
                        "errors": {"type": "array", "items": _FIELD_ERROR},
                    },
                }
            }
        },
    }
}
"""How every operation's errors stand in /openapi.json."""


class ProblemResponse(JSONResponse):
    """An `application/problem+json` body; ASCII, so that nothing that was sent in can break it."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        """The body."""
        return json.dumps(content, ensure_ascii=True, allow_nan=False).encode()


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""
    app.add_exception_handler(errors.CpmsError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_unexpected)


def kind_of(error: errors.CpmsError) -> ProblemKind:
    """The row of the table for an error."""
    return next(KINDS[cls] for cls in type(error).__mro__ if cls in KINDS)


def problem(
    request: Request, kind: ProblemKind, detail: str, field_errors: Sequence[FieldError] = ()
) -> ProblemResponse:
    """A problem about `request`."""
    body: dict[str, object] = {
        "type": kind.type_uri,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail or detail,
        "instance": request.url.path,
    }
    if field_errors:
        body["errors"] = [error.as_dict() for error in field_errors]
    return ProblemResponse(body, kind.status, headers=dict(kind.headers))


async def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.CpmsError)  # noqa: S101 - narrows starlette's handler type
    named = [FieldError(error.field, error.problem, error.cure)] if isinstance(error, errors.InvalidInput) else []
    kind = kind_of(error)
    if kind.detail is not None:
        _log.warning("%s %s: %s", request.method, request.url.path, error)
    return problem(request, kind, str(error), named)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - narrows starlette's handler type
    named = [explain(item) for item in error.errors()]
    detail = "; ".join(f"{item.field}: {item.problem}" for item in named[:3])
    return problem(request, KINDS[errors.InvalidInput], detail, named)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows starlette's handler type
    kind = ProblemKind(error.status_code, HTTPStatus(error.status_code).phrase, error.headers or {})
    return problem(request, kind, str(error.detail))


async def _on_unexpected(request: Request, error: Exception) -> Response:
    # Starlette raises it again behind this answer, and the server logs it.
    return problem(request, KINDS[errors.CpmsError], str(error))
