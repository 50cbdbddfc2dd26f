"""The highest mean import so far, per demand window and billing period, kept from measurements of the grid connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from zoneinfo import ZoneInfo

from cpms.domain.peak_price import PeakPrice, demand_price
from cpms.domain.plan import DemandPrice
from cpms.domain.tariff import BillingPeriod, DemandCharge, Tariff
from cpms.domain.time import Interval


def billing_period(charge: DemandCharge, timezone: str, instant: datetime) -> tuple[int, ...]:
    """The site-local billing period of an instant: (year, month) or (year, month, day)."""
    local = instant.astimezone(ZoneInfo(timezone))
    month = (local.year, local.month)
    return month if charge.period is BillingPeriod.MONTH else (*month, local.day)


class PeakTracker:
    """Means of demand windows, per charge. Each reading stands until the next one, at most `hold_s` [s]."""

    def __init__(self, hold_s: float = 300.0) -> None:
        self._hold_s = hold_s
        self._last: tuple[datetime, float] | None = None
        self._running: dict[DemandCharge, tuple[int, float]] = {}
        self._peaks: dict[tuple[DemandCharge, tuple[int, ...]], float] = {}

    def observe(self, tariff: Tariff, at: datetime, power_kw: float) -> None:
        """Take in a reading of net import [kW] at `at`; readings not after the last one, and no numbers, are passed over."""
        if not isfinite(power_kw) or (self._last is not None and at <= self._last[0]):
            return
        if self._last is not None:
            since, earlier_kw = self._last
            until = min(at, since + timedelta(seconds=self._hold_s))
            for charge in tariff.demand_charges:
                self._add(charge, tariff.timezone, since, until, earlier_kw)
        self._last = (at, power_kw)

    def forget_last(self) -> None:
        """The last reading stands no longer: the clock was set."""
        self._last = None

    def note_window(self, tariff: Tariff, starts_at: datetime, mean_kw: float) -> None:
        """Take in the known mean [kW] of a whole window, after a restart."""
        for charge in tariff.demand_charges:
            self._note(charge, tariff.timezone, starts_at, mean_kw)

    def peak_kw(self, charge: DemandCharge, timezone: str, instant: datetime) -> float:
        """Highest mean so far [kW] in the billing period of `instant`, the window under way counted as if nothing more came."""
        return self._peaks.get((charge, billing_period(charge, timezone, instant)), 0.0)

    def _add(self, charge: DemandCharge, timezone: str, since: datetime, until: datetime, power_kw: float) -> None:
        while since < until:
            window = int(since.timestamp()) // charge.window_s
            window_at = datetime.fromtimestamp(window * charge.window_s, UTC)
            piece_end = min(until, window_at + timedelta(seconds=charge.window_s))
            running, energy_kws = self._running.get(charge, (window, 0.0))
            energy_kws = energy_kws if running == window else 0.0
            energy_kws += power_kw * (piece_end - since).total_seconds()
            self._running[charge] = (window, energy_kws)
            self._note(charge, timezone, window_at, energy_kws / charge.window_s)
            since = piece_end

    def _note(self, charge: DemandCharge, timezone: str, window_at: datetime, mean_kw: float) -> None:
        if charge.band is not None and not charge.band.contains(window_at.astimezone(ZoneInfo(timezone))):
            return
        key = (charge, billing_period(charge, timezone, window_at))
        self._peaks[key] = max(self._peaks.get(key, 0.0), mean_kw)


def is_shared(charge: DemandCharge) -> bool:
    """Whether a peak on any other day of the month, at whatever hour, pays for one today."""
    return charge.period is BillingPeriod.MONTH and charge.band is None


FULL_PRICE = (PeakPrice(0.0, 1.0),)


def demand_prices(
    tariff: Tariff,
    peaks: PeakTracker,
    steps: Sequence[Interval],
    now: datetime,
    this_month: Sequence[PeakPrice] = FULL_PRICE,
) -> tuple[DemandPrice, ...]:
    """A DemandPrice per charge and billing period that the steps touch, with the peak so far in that period.

    `this_month`: by level, the share of a charge that a kW of peak costs today, as other days of the month may need it anyway; it
    holds for charges on the month of `now`, at any hour.
    """
    prices = []
    zone = ZoneInfo(tariff.timezone)
    for charge in tariff.demand_charges:
        periods = [billing_period(charge, tariff.timezone, step.starts_at) for step in steps]
        banded = [charge.band is None or charge.band.contains(step.starts_at.astimezone(zone)) for step in steps]
        for period in dict.fromkeys(periods):
            applies = tuple(p == period and inside for p, inside in zip(periods, banded, strict=True))
            first = next(step.starts_at for step, p in zip(steps, periods, strict=True) if p == period)
            peak_kw = peaks.peak_kw(charge, tariff.timezone, max(first, now))
            if any(applies):
                now_too = period == billing_period(charge, tariff.timezone, now)
                by_level = this_month if now_too and is_shared(charge) else FULL_PRICE
                prices.append(demand_price(by_level, peak_kw, applies, charge.window_s, float(charge.price_per_kw)))
    return tuple(prices)
