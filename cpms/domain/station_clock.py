"""What is known of a station's clock: schedules run on it, and it may be wrong (invariant G4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

UNKNOWN_BEHIND_S = 300.0
"""How far behind [s] a clock may be that was not measured yet."""


@dataclass(frozen=True)
class StationClock:
    """The station's clock shows at most `behind_s` seconds [s] less than ours, until more is known; never negative, because a clock
    that is ahead may be set right at any moment. `ahead_s` [s] is added to instants that are written for it (negative: it is behind).

    `error_s` [s]: how far it was measured to be ahead (negative: behind), roughly; None: it was not measured yet. `since`: messages
    from then on tell this.
    """

    behind_s: float = UNKNOWN_BEHIND_S
    ahead_s: float = 0.0
    error_s: float | None = None
    since: datetime | None = field(default=None, compare=False)

    @property
    def measured(self) -> bool:
        """Whether messages enough were heard."""
        return self.error_s is not None

    def beside(self, by_s: float) -> StationClock:
        """What is known when our clock was set by `by_s` [s]: it may have kept its own time, or have taken ours over."""
        return replace(self, behind_s=self.behind_s + max(0.0, by_s))


UNKNOWN_CLOCK = StationClock()
"""Nothing was heard of it."""
