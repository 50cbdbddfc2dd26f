"""The small words of a situation written by a person: quantities over time, phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cpms.domain.time import Interval
from cpms.domain.units import PHASES, Phase

Document = Mapping[str, Any]


def phases_of(names: str) -> tuple[Phase, ...]:
    """The phases named in a text such as "L1L3"."""
    return tuple(phase for phase in PHASES if phase.value in names)


def series(value: Any, starts_at: datetime, steps: Sequence[Interval]) -> tuple[float, ...]:
    """A value per step from a number or from pieces."""
    if isinstance(value, int | float):
        return (float(value),) * len(steps)
    return tuple(
        next((float(piece["value"]) for piece in reversed(value) if covers(piece, starts_at, step)), 0.0)
        for step in steps
    )


def covers(piece: Document, starts_at: datetime, step: Interval) -> bool:
    """Whether a piece holds at the beginning of a step."""
    after_h = (step.starts_at - starts_at).total_seconds() / 3600
    return float(piece.get("from_h", 0.0)) <= after_h + 1e-9 < float(piece.get("until_h", float("inf")))


def touches(piece: Document, starts_at: datetime, step: Interval) -> bool:
    """Whether a limit holds anywhere in a step."""
    from_h = (step.starts_at - starts_at).total_seconds() / 3600
    return float(piece.get("from_h", 0.0)) < from_h + step.duration_h - 1e-9 and from_h + 1e-9 < float(
        piece.get("until_h", float("inf"))
    )
