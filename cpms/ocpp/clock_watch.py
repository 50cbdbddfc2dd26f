"""How far a station's clock may be behind, told from when its messages say they are and when they come.

Nothing is reported before it happens, so a clock is behind by no more than the least late of its messages is late. A queue that is
worked off looks like a clock that is behind, but catches up: as long as messages come less and less late, nothing is concluded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from cpms.domain.station_clock import StationClock

DRIFT_S = 3.0
"""So much [s] a clock drifts at most until it is measured again."""
STEP_S = 5.0
"""What is known is rounded to whole steps, so that it seldom changes."""
ROW_MESSAGES = 3
ROW_LASTS = timedelta(minutes=1)
CATCHES_UP_S = 5.0
"""A message so much less late than all before in its row [s] begins a new one."""
LOCAL_TIME_S = 900.0
SUMMER_TIME_S = 3600.0
"""A clock that shows local time is set by an hour twice a year."""


@dataclass
class _Row:
    """Messages from `since` on; `ahead_s`: how far ahead [s] the least late of them shows the clock to be at least."""

    since: datetime
    ahead_s: float
    messages: int = 1

    def is_over(self, at: datetime) -> bool:
        return self.messages >= ROW_MESSAGES and at - self.since >= ROW_LASTS


@dataclass
class ClockWatch:
    """A station's clock since the station started: the row of messages under way, and the last one that was over."""

    _row: _Row | None = None
    _over: _Row | None = None

    def note(self, ahead_s: float, received_at: datetime) -> None:
        """A message came whose instant is `ahead_s` [s] ahead of ours."""
        row = self._row
        if row is None or ahead_s > row.ahead_s + CATCHES_UP_S:
            self._row = _Row(received_at, ahead_s)
            return
        row.ahead_s, row.messages = max(row.ahead_s, ahead_s), row.messages + 1
        if row.is_over(received_at):
            self._row, self._over = None, row

    def clock(self, written_ahead_s: float) -> StationClock | None:
        """What messages tell, None without any; before a row is over, that is not all. `written_ahead_s` [s] is added to instants
        written for it."""
        row = self._over or self._row
        if row is None:
            return None
        behind_s = STEP_S * math.ceil((DRIFT_S - min(0.0, row.ahead_s)) / STEP_S)
        if written_ahead_s and written_ahead_s % LOCAL_TIME_S == 0:
            behind_s += SUMMER_TIME_S
        error_s = None if self._over is None else STEP_S * round(self._over.ahead_s / STEP_S)
        return StationClock(behind_s, written_ahead_s, error_s, row.since)
