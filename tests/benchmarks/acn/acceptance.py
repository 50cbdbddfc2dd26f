"""What vehicles showed that they accept: of an acnportal vehicle nothing is known but what it took of what it was offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LEFT_A = 0.1
"""A vehicle that takes so much less than it is offered [A] accepts no more; less may be the meter's."""


@dataclass
class Acceptance:
    """`most_a`: by session, what it last took while it left some [A]. It is remembered: a vehicle that then takes all of a lower
    setpoint shows nothing new, and as it fills it accepts ever less."""

    most_a: dict[str, float] = field(default_factory=dict)

    def learn(self, offered_a: Mapping[str, float], taken_a: Mapping[str, float]) -> None:
        """What sessions were offered and took in the last period [A]."""
        for session_id, offered in offered_a.items():
            taken = taken_a.get(session_id, 0.0)
            if 0.0 < taken < offered - LEFT_A:
                self.most_a[session_id] = taken

    def highest_a(self, session_id: str, setpoints_a: Sequence[float]) -> float:
        """The highest of ascending setpoints [A] that the vehicle takes whole; the lowest where it takes none of them whole: room that
        is permitted and not drawn serves nobody."""
        most_a = self.most_a.get(session_id, setpoints_a[-1])
        return max((a for a in setpoints_a if a <= most_a), default=setpoints_a[0])
