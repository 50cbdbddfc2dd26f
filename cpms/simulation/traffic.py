"""Arrivals and departures of a day in their order."""

from __future__ import annotations

from dataclasses import dataclass

from cpms.simulation.scenario import Day, Visit


@dataclass(frozen=True, order=True)
class Turn:
    """A vehicle comes or goes at a second of the day. At the same second departures come first."""

    second: int
    arrives: bool
    number: int


class Traffic:
    """Hands out the turns of a day as time passes."""

    def __init__(self, day: Day) -> None:
        self._visits = day.visits
        self._turns = sorted(
            turn
            for number, visit in enumerate(day.visits)
            for turn in (
                Turn(day.second_of(visit.arrives_at), True, number),
                Turn(min(day.second_of(visit.departs_at), day.duration_s), False, number),
            )
        )
        self._next = 0

    @property
    def next_second(self) -> int | None:
        """When the next vehicle comes or goes; None if none does."""
        return self._turns[self._next].second if self._next < len(self._turns) else None

    def due(self, second: int) -> list[tuple[Turn, Visit]]:
        """The turns up to and with `second` that were not handed out yet."""
        first = self._next
        while self._next < len(self._turns) and self._turns[self._next].second <= second:
            self._next += 1
        return [(turn, self._visits[turn.number]) for turn in self._turns[first : self._next]]
