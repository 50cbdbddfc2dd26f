"""A part of a situation written by a person: whatever in it is not as it must be is refused by its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from math import inf
from typing import Any, TypeVar

from cpms.domain.errors import InvalidInput
from cpms.domain.time import Interval
from cpms.domain.units import PHASES, Phase

MOST = 1e9
"""No quantity of a site comes near it."""
MOST_HOURS = 100_000.0
"""More than eleven years."""
MOST_MINUTES = 24 * 60.0
"""Of a step, a window or a pause."""
E = TypeVar("E", bound=Enum)


class Document:
    """A JSON object and where it stands. A field that is missing or of another kind raises InvalidInput; null is no field.

    What was asked for is remembered, so that a field that nobody asks for, a misspelt one, can be refused in the end.
    """

    def __init__(self, values: Any, path: str) -> None:
        if not isinstance(values, dict):
            raise InvalidInput(path, f"{_shown(values)} is no JSON object", "write it as {...}, see tests/situations")
        self.path = path
        self._values: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
        self._asked: set[str] = set()
        self._parts: dict[str, list[Document]] = {}

    def has(self, name: str) -> bool:
        """Whether the field is given."""
        self._asked.add(name)
        return name in self._values

    def number(self, name: str, default: float | None = None) -> float:
        """A number; without a default it must be given."""
        return default if default is not None and not self.has(name) else self._number(name, self._given(name))

    def maybe(self, name: str) -> float | None:
        """A number, or None where it is not given."""
        return self.number(name) if self.has(name) else None

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self.number(name, default)
        if value != int(value):
            raise InvalidInput(f"{self.path}.{name}", f"{value:g} is no whole number", "give one")
        return int(value)

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of numbers, empty where it is not given."""
        return tuple(self._number(f"{name}[{i}]", value) for i, value in enumerate(self._list(name)))

    def pairs(self, name: str) -> tuple[tuple[float, float], ...]:
        """A list of pairs of numbers, empty where it is not given."""
        found = []
        for i, value in enumerate(self._list(name)):
            if not isinstance(value, list) or len(value) != 2:
                raise InvalidInput(f"{self.path}.{name}[{i}]", f"{_shown(value)} is no pair", "write it as [1, 2]")
            found.append((self._number(f"{name}[{i}][0]", value[0]), self._number(f"{name}[{i}][1]", value[1])))
        return tuple(found)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be given."""
        value = default if default is not None and not self.has(name) else self._given(name)
        if not isinstance(value, str):
            raise InvalidInput(f"{self.path}.{name}", f"{_shown(value)} is no text", 'write it as "..."')
        if not value.isprintable():
            raise InvalidInput(
                f"{self.path}.{name}", f"{_shown(value)} cannot be printed", "use letters, digits and signs"
            )
        return value

    def flag(self, name: str) -> bool:
        """True or false, false where it is not given."""
        value = self._given(name) if self.has(name) else False
        if not isinstance(value, bool):
            raise InvalidInput(f"{self.path}.{name}", f"{_shown(value)} is neither true nor false", "give one of them")
        return value

    def choice(self, name: str, default: E) -> E:
        """One of the values of an enumeration."""
        value = self.text(name, default.value)
        known = {one.value: one for one in type(default)}
        if value not in known:
            raise InvalidInput(f"{self.path}.{name}", f"{value!r} is none of them", f"use one of {sorted(known)}")
        return known[value]

    def phases(self, name: str = "phases") -> tuple[Phase, ...]:
        """The phases named in a text such as "L1L3"; all where it is not given."""
        names = self.text(name, "L1L2L3")
        if not re.fullmatch("(L[123])+", names):
            raise InvalidInput(f"{self.path}.{name}", f"{names!r} names no phases", 'name them as in "L1L3"')
        return tuple(phase for phase in PHASES if phase.value in names)

    def instant(self, name: str, starts_at: datetime) -> datetime:
        """An instant, written as hours [h] after the start."""
        hours = self.number(name)
        if abs(hours) > MOST_HOURS:
            raise InvalidInput(f"{self.path}.{name}", f"{hours:g} h is years away", "give hours after the start")
        return starts_at + timedelta(hours=hours)

    def seconds(self, name: str, default_min: float) -> float:
        """A length of time [s], written in minutes, none to a day."""
        minutes = self.number(name, default_min)
        if not 0 <= minutes <= MOST_MINUTES:
            raise InvalidInput(f"{self.path}.{name}", f"{minutes:g} min is below 0 or above a day", "give minutes")
        return 60.0 * minutes

    def series(
        self, name: str, starts_at: datetime, steps: Sequence[Interval], default: float | None = None
    ) -> tuple[float, ...]:
        """A value per step, from a number, or from pieces of which the last that covers a step holds, 0 where none does."""
        if not isinstance(self._values.get(name), list):
            return (self.number(name, default),) * len(steps)
        values = [0.0] * len(steps)
        for piece in self.parts(name):
            value, holds = piece.number("value"), piece.covers(starts_at, steps)
            values = [value if held else before for before, held in zip(values, holds, strict=True)]
        return tuple(values)

    def covers(self, starts_at: datetime, steps: Sequence[Interval]) -> tuple[bool, ...]:
        """Per step, whether its beginning is within `from_h` and `until_h`."""
        from_h, until_h = self._span_h()
        return tuple(from_h <= after_h + 1e-9 < until_h for after_h in _hours(starts_at, steps))

    def touches(self, starts_at: datetime, steps: Sequence[Interval]) -> tuple[bool, ...]:
        """Per step, whether any of it is."""
        from_h, until_h = self._span_h()
        after_h = _hours(starts_at, steps)
        return tuple(
            from_h < begin_h + step.duration_h - 1e-9 and begin_h + 1e-9 < until_h
            for begin_h, step in zip(after_h, steps, strict=True)
        )

    def part(self, name: str) -> Document | None:
        """A part; None where it is not given."""
        if self.has(name) and name not in self._parts:
            self._parts[name] = [Document(self._values[name], f"{self.path}.{name}")]
        return self._parts[name][0] if self.has(name) else None

    def parts(self, name: str) -> list[Document]:
        """A list of parts, empty where it is not given."""
        if name not in self._parts:
            listed = enumerate(self._list(name))
            self._parts[name] = [Document(value, f"{self.path}.{name}[{i}]") for i, value in listed]
        return self._parts[name]

    def require_all_known(self) -> None:
        """InvalidInput for a field, here or in a part, that was never asked for."""
        for name in self._values:
            if name not in self._asked:
                raise InvalidInput(f"{self.path}.{name}", "is not known", f"use one of {sorted(self._asked)}")
        for part in (part for parts in self._parts.values() for part in parts):
            part.require_all_known()

    def _span_h(self) -> tuple[float, float]:
        """`from_h` and `until_h` [h]; the whole time where they are not given."""
        from_h, until_h = self.number("from_h", 0.0), self.number("until_h", inf)
        if self.has("from_h") and until_h <= from_h:
            raise InvalidInput(
                f"{self.path}.until_h", f"{until_h:g} h is not after from_h, {from_h:g} h", "give it later"
            )
        return from_h, until_h

    def _given(self, name: str) -> Any:
        if not self.has(name):
            raise InvalidInput(f"{self.path}.{name}", "is missing", "give it")
        return self._values[name]

    def _list(self, name: str) -> list[Any]:
        value = self._given(name) if self.has(name) else []
        if not isinstance(value, list):
            raise InvalidInput(f"{self.path}.{name}", f"{_shown(value)} is no list", "write it as [...]")
        return value

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST:
            problem = f"{_shown(value)} is no number that a site could have"
            raise InvalidInput(f"{self.path}.{name}", problem, "give a number, such as 16")
        return float(value)


def _hours(starts_at: datetime, steps: Sequence[Interval]) -> list[float]:
    return [(step.starts_at - starts_at).total_seconds() / 3600 for step in steps]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
