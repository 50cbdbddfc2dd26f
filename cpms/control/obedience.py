"""Does a station do what it accepted? "Accepted" is a claim; the meter knows (G6)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from cpms.control.settings import ControlSettings


class Verdict(enum.Enum):
    """What changed."""

    DISOBEYS = "disobeys"
    OBEYS_AGAIN = "obeys_again"


@dataclass
class Obedience:
    """One connector's record: since when its meter has read above, or not above, what it may draw."""

    quarantined: bool = False
    above_since: datetime | None = None
    below_since: datetime | None = None

    def observe(self, current_a: float, allowed_a: float, at: datetime, settings: ControlSettings) -> Verdict | None:
        """Take a reading [A on the most loaded phase] against what was allowed then; a verdict if it changes."""
        if current_a > allowed_a + settings.disobey_a:
            self.below_since = None
            self.above_since = self.above_since or at
            if not self.quarantined and (at - self.above_since).total_seconds() >= settings.disobey_s:
                self.quarantined = True
                return Verdict.DISOBEYS
            return None
        self.above_since = None
        self.below_since = self.below_since or at
        if self.quarantined and (at - self.below_since).total_seconds() >= settings.quarantine_release_s:
            self.quarantined = False
            return Verdict.OBEYS_AGAIN
        return None
