"""Checks that everything given to the planner has to pass; each names the field, the problem and the cure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from cpms.domain.errors import InvalidInput


def require_unique(name: str, ids: list[str]) -> None:
    """InvalidInput where an id is given more than once."""
    if len(set(ids)) != len(ids):
        twice = sorted({one for one in ids if ids.count(one) > 1})
        raise InvalidInput(name, f"{', '.join(twice)} is given more than once", "give each its own id")


def require_series(name: str, values: tuple[float, ...], steps: int) -> None:
    """InvalidInput unless there is a finite number per step."""
    require_length(name, len(values), steps)
    require_finite(name, values)


def require_length(name: str, length: int, steps: int) -> None:
    """InvalidInput unless there is a value per step."""
    if length != steps:
        raise InvalidInput(name, f"has {length} values for {steps} steps", "give one per step")


def require_finite(name: str, values: Iterable[float]) -> None:
    """InvalidInput where a value is NaN or infinite."""
    for value in values:
        if not math.isfinite(value):
            raise InvalidInput(name, f"{value} is not a finite number", "give finite numbers")


def require_positive(name: str, value: float) -> None:
    """InvalidInput unless the value is finite and above 0."""
    if not (math.isfinite(value) and value > 0):
        raise InvalidInput(name, f"{value} is not above 0", "give a finite number above 0")


def require_between(name: str, value: float, least: float, most: float) -> None:
    """InvalidInput unless the value is finite and within [least, most]."""
    if not (math.isfinite(value) and least <= value <= most):
        raise InvalidInput(name, f"{value} is not within {least:g} and {most:g}", "give a number between them")


def require_known(name: str, value: str, known: set[str]) -> None:
    """InvalidInput unless the value names a feeder of the request."""
    if value not in known:
        raise InvalidInput(name, f"{value!r} is not a feeder of this request", f"use one of {sorted(known)}")
