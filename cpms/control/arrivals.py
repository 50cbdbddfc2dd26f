"""The port through which the controller hears who may still come (`forecasting.arrivals.rests` speaks it)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cpms.domain.peak_price import PeakPrice
from cpms.domain.plan import LikelyDay
from cpms.domain.time import Interval


class Arrivals(Protocol):
    """What was expected at `issued_at`, when `arrived` vehicles had come on that local day."""

    @property
    def issued_at(self) -> datetime:
        """It knows nothing later."""
        ...

    @property
    def arrived(self) -> int:
        """How many had come."""
        ...

    @property
    def peak_prices(self) -> tuple[PeakPrice, ...]:
        """What a kW of the billing month's peak costs today by level, of a demand charge of 1 per kW; ascending."""
        ...

    def likely(self, steps: Sequence[Interval], arrived: int) -> tuple[LikelyDay, ...]:
        """How the day may go on over a plan's steps, if so many have come by now; empty where nothing is known."""
        ...
