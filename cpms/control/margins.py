"""How late a station may do what it was told, and how schedules are written so that every bin holds in spite of it (G4).

What a grant permits never rises: a clock that is ahead, or set forward, can only lower what is drawn. What remains is a decrease that
comes late, by what the clock may be behind and by the way down of the vehicle. It is written up to `SHIFT_SHARE` of a bin before
or after a bin begins; whatever does not fit into that costs whole bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import ceil

from cpms.control.settings import ControlSettings
from cpms.domain.station_clock import StationClock

SHIFT_SHARE = 0.45
"""Less than half, so that the middle of a bin shows what the schedule says for it."""
LONGEST_BEHIND_S = 86400.0


@dataclass(frozen=True)
class Margins:
    """`late_s` [s]: how late a decrease may be over. It is written `lower_s` [s] before a bin begins (negative: after that),
    and a bin's value must suit `after` bins after it as well."""

    late_s: float
    after: int
    lower_s: float

    @property
    def behind(self) -> timedelta:
        """How long before now a schedule starts, so that it is in force on a clock that is far behind."""
        return timedelta(seconds=min(self.late_s, LONGEST_BEHIND_S)) if self.after else timedelta()


def margins(clock: StationClock, written_ahead_s: float, settings: ControlSettings) -> Margins:
    """Of what was written for a clock `written_ahead_s` [s] ahead, at a station of which `clock` is known. Any clock may be behind by
    the settings' margin."""
    late_s = written_ahead_s + max(clock.behind_s - settings.clock_transit_s, settings.clock_margin_s)
    return _margins(settings.ramp_s + max(settings.clock_margin_s, late_s), settings.bin_s)


@lru_cache(maxsize=4096)
def _margins(late_s: float, bin_s: int) -> Margins:
    shift_s = SHIFT_SHARE * bin_s
    after = max(0, ceil((late_s - shift_s) / bin_s))
    return Margins(late_s, after, max(-shift_s, late_s - after * bin_s))
