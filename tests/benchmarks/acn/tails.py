"""What vehicles are foreseen to accept: of an acnportal vehicle nothing is known but what it took of what it was offered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from cpms.control.acceptance import UNSEEN, Acceptance, Meter

PERIOD_MEANS = Meter(left_a=0.1, readings=1, above_a=0.0)
"""acnportal tells the mean of a period, exactly."""


@dataclass
class Tails:
    """`seen`: by session, what it showed; `missing_kwh`: what it still wanted when it showed its limit [kWh].

    A vehicle that leaves some of what it is offered is nearly full, and from then on accepts in proportion to what it still wants.
    """

    seen: dict[str, Acceptance] = field(default_factory=dict)
    missing_kwh: dict[str, float] = field(default_factory=dict)

    def learn(self, session_id: str, offered_a: float, taken_a: float, missing_kwh: float, at: datetime) -> None:
        """What a session was offered and took in the last period [A], wanting `missing_kwh` [kWh] when that began."""
        if taken_a > 0.0:
            shown = self.seen.get(session_id, UNSEEN).after(taken_a, offered_a, at, PERIOD_MEANS)
            if shown.limited_at == at:
                self.missing_kwh[session_id] = missing_kwh
            self.seen[session_id] = shown

    def accepts_a(self, session_id: str, missing_kwh: float) -> float:
        """What a session that wants `missing_kwh` [kWh] will take in the next period [A], if it is offered as much; inf: not known."""
        shown = self.seen.get(session_id, UNSEEN)
        if shown.current_a is None or shown.limited_at is None:
            return inf
        return shown.current_a * missing_kwh / self.missing_kwh[session_id]
