"""Typed reading of what stations send: fast where it conforms, tolerant where it does not.

A conforming payload costs one typed decode. Anything else is read field by field: what can be understood is taken and noted
as a deviation, what cannot is left at its default. A missing or unusable required field is a Violation, and so is a value beyond the
bounds of a FIRM field: identities, which would mean somebody or something else if they were cut or guessed.
"""

from __future__ import annotations

import types
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec

from cpms.ocpp.violations import ErrorCode, Violation

FIRM = {"firm": True}
"""`extra` of a field's Meta whose bounds are kept."""


class Message(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Base of incoming messages and their parts. Fields without a default are those that we cannot do without."""


M = TypeVar("M", bound=Message)


class Reader(Generic[M]):
    """Reads payloads of one message type."""

    def __init__(self, kind: type[M]) -> None:
        self._kind = kind
        self._decode = msgspec.json.Decoder(kind).decode

    def read(self, payload: bytes | msgspec.Raw, deviations: list[str]) -> M:
        """The message; appends what was wrong with it but could be read. Violation if it cannot be used."""
        try:
            return self._decode(payload)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return self._read_tolerantly(payload, deviations)

    def _read_tolerantly(self, payload: bytes | msgspec.Raw, deviations: list[str]) -> M:
        try:
            values = msgspec.json.decode(payload)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise Violation(ErrorCode.FORMAT, f"the payload is no JSON ({error})") from error
        if values is None:
            values = {}
        if not isinstance(values, dict):
            raise Violation(ErrorCode.FORMAT, "the payload is not an object")
        return build(self._kind, values, "", deviations)


def build(kind: type[M], values: dict[str, Any], path: str, deviations: list[str]) -> M:
    """`kind` from a plain object, whatever can be understood of it."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        deviations.append(f"{path}{unknown[0][:40]} is not a property")
    taken: dict[str, Any] = {}
    for name, field in fields.items():
        if values.get(name) is None:
            if field.required:
                raise Violation(ErrorCode.MISSING, f"{path}{name} is missing")
            continue
        try:
            taken[field.name] = _take(values[name], field.type, f"{path}{name}", deviations)
        except ValueError as error:
            if field.required:
                raise Violation(ErrorCode.TYPE, str(error)) from error
            deviations.append(str(error))
    return kind(**taken)


def _take(value: Any, kind: Any, path: str, deviations: list[str]) -> Any:
    base = _base(kind)
    if get_origin(base) is tuple:
        return _take_many(value, get_args(base)[0], path, deviations)
    if isinstance(base, type) and issubclass(base, Message):
        if not isinstance(value, dict):
            raise ValueError(f"{path} is not an object")
        return build(base, value, f"{path}.", deviations)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        taken = _coerce(value, base, path)
        _require_firm(taken, kind, path)
        deviations.append(f"{path} is not as specified")
        return taken


def _require_firm(value: Any, kind: Any, path: str) -> None:
    """Violation for a value of the right type that is beyond the bounds of a FIRM field."""
    for part in (kind, *get_args(kind)):
        if any(meta.extra == FIRM for meta in getattr(part, "__metadata__", ())):
            try:
                msgspec.convert(value, part)
            except msgspec.ValidationError as error:
                raise Violation(ErrorCode.PROPERTY, f"{path}: {error}") from error


def _take_many(value: Any, kind: Any, path: str, deviations: list[str]) -> tuple[Any, ...]:
    taken = []
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        try:
            taken.append(_take(item, kind, f"{path}[{index}]", deviations))
        except (ValueError, Violation) as error:
            deviations.append(str(error))
    return tuple(taken)


def _coerce(value: Any, base: Any, path: str) -> Any:
    if base is str and isinstance(value, (str, int, float)):
        return value if isinstance(value, str) else str(value)
    if base is bool and str(value).lower() in ("true", "false", "1", "0"):
        return str(value).lower() in ("true", "1")
    if base in (int, float) and not isinstance(value, (bool, dict, list)):
        number = read_number(value)
        if number is not None and (base is float or number == int(number)):
            return base(number)
    raise ValueError(f"{path} is {str(value)[:40]!r}, which is no {getattr(base, '__name__', base)}")


def read_number(value: str | float) -> float | None:
    """A finite number, also from text, also with a decimal comma; None if it is none."""
    try:
        number = float(value)
    except (ValueError, OverflowError):
        if not isinstance(value, str) or "," not in value:
            return None
        return read_number(value.replace(",", ".")) if value.count(",") == 1 and "." not in value else None
    return number if -1e15 < number < 1e15 else None


def _base(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(arg for arg in get_args(kind) if arg is not types.NoneType)
    if hasattr(kind, "__metadata__"):
        kind = kind.__origin__
    return kind
