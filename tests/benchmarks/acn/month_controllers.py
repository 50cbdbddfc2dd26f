"""The planner as a controller of acnportal's simulator for whole months, in which the highest peak is paid for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from acnportal.acnsim.interface import SessionInfo

from cpms.domain.peak_price import demand_price
from cpms.domain.plan import DemandPrice, LikelyDay, PlanRequest
from cpms.domain.time import Interval
from forecasting.arrivals.rests import Outlook, outlook
from forecasting.arrivals.visits import Visit
from tests.benchmarks.acn.controller import PlannedController
from tests.benchmarks.acn.data import PERIOD_S, TIMEZONE, ZONE, instant


@dataclass(frozen=True)
class Bill:
    """What energy costs per kWh and period of the simulation, until when the bill runs, and what its highest period costs per kW."""

    price_per_kwh: Sequence[float]
    ends_at: datetime
    demand_per_kw: float


class MonthController(PlannedController):
    """Plans below a monthly bill."""

    def __init__(self, start: datetime, bill: Bill) -> None:
        super().__init__(start, bill.price_per_kwh)
        self.bill = bill


class OutlookController(MonthController):
    """With `forecasting.arrivals.rests`: likely days, and prices of peak for the month; sees the past and who is here, no more."""

    def __init__(
        self,
        start: datetime,
        bill: Bill,
        history: Callable[[datetime], Sequence[Visit]],
        expected_peak_kw: float | None,
    ) -> None:
        super().__init__(start, bill)
        self.history = history
        self.expected_peak_kw = expected_peak_kw
        self._view: Outlook | None = None
        self._come_today: set[str] = set()

    def request(self, sessions: Sequence[SessionInfo]) -> PlanRequest:
        """What is known of the garage now, and how many have come today."""
        now = instant(self.start, self.interface.current_time)
        self._look_out(now)
        midnight = now.astimezone(ZONE).replace(hour=0, minute=0)
        self._come_today |= {s.session_id for s in sessions if instant(self.start, s.arrival) >= midnight}
        return super().request(sessions)

    def demand(self, steps: Sequence[Interval]) -> tuple[DemandPrice, ...]:
        """The outlook's prices from the highest period so far on."""
        return (demand_price(self.view.peak_prices, self.peak_so_far_kw, (True,) * len(steps), PERIOD_S),)

    def likely(self, steps: Sequence[Interval]) -> tuple[LikelyDay, ...]:
        """The outlook's rest of today."""
        return self.view.likely(steps, len(self._come_today))

    @property
    def view(self) -> Outlook:
        """Today's."""
        if self._view is None:
            raise AssertionError("a view is made before it is used")
        return self._view

    def _look_out(self, now: datetime) -> None:
        """Make the day's view when its first plan is."""
        if self._view is None or self._view.issued_at.astimezone(ZONE).date() != now.astimezone(ZONE).date():
            self._come_today = set()
            self._view = outlook(
                self.history(now), now, self.bill.ends_at, TIMEZONE, self.bill.demand_per_kw, self.expected_peak_kw
            )


class PublishedController(MonthController):
    """The objective of "Pricing EV Charging Service with Demand Charge" (PSCC 2020): demand charge over the days left, peak hint."""

    def __init__(self, start: datetime, bill: Bill, hint_kw: float) -> None:
        super().__init__(start, bill)
        self.hint_kw = hint_kw

    def demand(self, steps: Sequence[Interval]) -> tuple[DemandPrice, ...]:
        """One price above the highest of peak so far and hint."""
        left = max(1, (self.bill.ends_at.date() - steps[0].starts_at.astimezone(ZONE).date()).days)
        paid_kw = max(self.peak_so_far_kw, self.hint_kw)
        return (DemandPrice(self.bill.demand_per_kw / left, paid_kw, (True,) * len(steps), PERIOD_S),)
