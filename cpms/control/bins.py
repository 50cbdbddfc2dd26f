"""The ledger's look ahead: time in aligned bins, each standing for the worst instant in it; the last stands for all that follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, inf

from cpms.domain.grid import Grant

Vector = list[float]
"""A value per bin."""


@dataclass(frozen=True)
class Bins:
    """`count` bins of `width_s` [s] from `start_s` [s since the epoch] on, the last without end."""

    start_s: int
    width_s: int
    count: int

    @classmethod
    def covering(cls, now_s: float, until_s: float, width_s: int) -> Bins:
        """From the bin that contains `now_s` to at least `until_s`, and the endless one behind."""
        start_s = int(now_s // width_s) * width_s
        return cls(start_s, width_s, max(2, ceil((until_s - start_s) / width_s) + 1))

    def begin_s(self, index: int) -> int:
        """When a bin begins [s since the epoch]."""
        return self.start_s + index * self.width_s

    def raise_to(self, vector: Vector, from_s: float, until_s: float, value: float) -> None:
        """Make `value` the least in every bin that `[from_s, until_s)` touches."""
        if until_s <= self.start_s or until_s <= from_s:
            return
        first = self.index_of(from_s)
        end = self.count if until_s >= self.begin_s(self.count - 1) + 1e-6 else self._end(until_s)
        for index in range(first, end):
            if vector[index] < value:
                vector[index] = value

    def lower_to(self, vector: Vector, from_s: float, until_s: float, value: float) -> None:
        """Make `value` the most in every bin that `[from_s, until_s)` touches."""
        negative = [-v for v in vector]
        self.raise_to(negative, from_s, until_s, -value)
        vector[:] = [-v for v in negative]

    def index_of(self, instant_s: float) -> int:
        """The bin that contains `instant_s`; the first for what is before."""
        if instant_s <= self.start_s:
            return 0
        return min(self.count - 1, int((instant_s - self.start_s) // self.width_s))

    def _end(self, instant_s: float) -> int:
        return ceil((instant_s - self.start_s) / self.width_s)


def segments(grant: Grant) -> Iterator[tuple[float, float, float]]:
    """`(from_s, until_s, limit_a)` of everything a grant permits: seconds since the epoch, -inf and inf at the ends."""
    lease_end_s = inf if grant.lease_ends_at is None else grant.lease_ends_at.timestamp()
    from_s = -inf
    for index, period in enumerate(grant.periods):
        following = grant.periods[index + 1 : index + 2]
        until_s = min(lease_end_s, following[0].starts_at.timestamp() if following else inf)
        if until_s > from_s:
            yield from_s, until_s, period.limit_a
            from_s = until_s
    if from_s < inf:
        yield from_s, inf, grant.fallback_a


def to_instant(instant_s: float) -> datetime:
    """Seconds since the epoch as an aware instant."""
    return datetime.fromtimestamp(instant_s, UTC)
