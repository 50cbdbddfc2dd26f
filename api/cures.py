"""What is wrong with a request, field by field, and what would be accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MAX_FIELD_LENGTH = 120


@dataclass(frozen=True)
class FieldError:
    """One thing to correct."""

    field: str
    problem: str
    cure: str

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


_CURES: Mapping[str, str] = {
    "missing": "give it",
    "extra_forbidden": "leave it out, or correct its name as in /openapi.json",
    "finite_number": "give a finite number",
    "json_invalid": "send valid JSON",
    "model_attributes_type": "send a JSON object with content-type application/json",
    "timezone_aware": "give an instant with Z or an offset, like 2026-01-31T18:00:00Z",
    "string_pattern_mismatch": "match {pattern}",
    "string_too_long": "give at most {max_length} characters",
    "string_too_short": "give at least {min_length} characters",
    "too_long": "give at most {max_length} items",
    "too_short": "give at least {min_length} items",
    "greater_than": "give a number above {gt}",
    "greater_than_equal": "give a number of at least {ge}",
    "less_than": "give a number below {lt}",
    "less_than_equal": "give a number of at most {le}",
    "control_character": "remove it",
    "instant_range": "correct the year",
    "timezone": "use an IANA name like Europe/Amsterdam",
    "enum": "use {expected}",
    "literal_error": "use {expected}",
}
"""Cures by pydantic's type of error; `{...}` come from the error's context."""

_KIND_CURES: Mapping[str, str] = {
    "datetime": "give an RFC 3339 instant with Z or an offset, like 2026-01-31T18:00:00Z",
    "time": "give a time of day like 18:00",
    "float": "give a number",
    "int": "give a whole number",
    "bool": "give true or false",
    "decimal": "give a decimal number, as a string or a number",
    "string": "give a text",
    "list": "give a list",
}
"""Cures by the first word of a type of error, where the type itself has none."""


def explain(error: Mapping[str, Any]) -> FieldError:
    """A validation error of FastAPI as a field error. The value itself is not echoed."""
    kind = str(error["type"])
    context = error.get("ctx") or {}
    template = _CURES.get(kind) or _KIND_CURES.get(kind.split("_")[0], "correct it as in /openapi.json")
    try:
        cure = template.format_map(context)
    except KeyError:
        cure = "correct it as in /openapi.json"
    place = ("body",) if kind == "json_invalid" else error["loc"]  # there the location is a character's number
    return FieldError(_path(place), str(error["msg"]), cure)


def _path(location: tuple[int | str, ...]) -> str:
    """("body", "items", 0, "limit_kw") -> "items[0].limit_kw"."""
    path = ""
    for part in location[1:] if len(location) > 1 else location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path[:MAX_FIELD_LENGTH]
