"""What energy costs the site: prices per kWh over time and demand charges per kW of peak."""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from cpms.domain.time import Interval


@dataclass(frozen=True)
class PriceInterval:
    """Import and export price per kWh of one interval, as published (day-ahead)."""

    interval: Interval
    import_price_per_kwh: Decimal
    export_price_per_kwh: Decimal = Decimal(0)


@dataclass(frozen=True)
class TimeOfUseBand:
    """A price that holds at site-local times `[starts, ends)` on `weekdays` (Monday 0) of `months` (1..12); ends 00:00 = midnight."""

    import_price_per_kwh: Decimal
    starts: time = time(0)
    ends: time = time(0)
    weekdays: frozenset[int] = frozenset(range(7))
    months: frozenset[int] = frozenset(range(1, 13))

    def contains(self, local: datetime) -> bool:
        """Whether the site-local instant lies in the band; a band with `ends <= starts` runs over midnight."""
        if local.weekday() not in self.weekdays or local.month not in self.months:
            return False
        clock = local.time()
        if self.starts < self.ends:
            return self.starts <= clock < self.ends
        return clock >= self.starts or clock < self.ends


@dataclass(frozen=True)
class DayAhead:
    """How prices follow the day-ahead market of a bidding zone (its EIC code, 10YNL----------L), per kWh.

    Import costs `import_factor` times the market's price and the surcharge (taxes, levies, margin); export earns `export_factor` times
    it and the surcharge, which is negative where somebody keeps a fee.
    """

    zone: str
    import_factor: Decimal = Decimal(1)
    import_surcharge_per_kwh: Decimal = Decimal(0)
    export_factor: Decimal = Decimal(0)
    export_surcharge_per_kwh: Decimal = Decimal(0)

    def price(self, market: PriceInterval) -> PriceInterval:
        """What the site pays and gets while the market's price holds."""
        per_kwh = market.import_price_per_kwh
        return PriceInterval(
            market.interval,
            self.import_factor * per_kwh + self.import_surcharge_per_kwh,
            self.export_factor * per_kwh + self.export_surcharge_per_kwh,
        )


class BillingPeriod(enum.Enum):
    """Over which time a demand charge takes its highest peak."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True)
class DemandCharge:
    """Price per kW of the highest mean import over any `window_s` [s] in the billing period (within `band`, if given)."""

    price_per_kw: Decimal
    period: BillingPeriod = BillingPeriod.MONTH
    window_s: int = 900
    band: TimeOfUseBand | None = None


@dataclass(frozen=True)
class CapacitySubscription:
    """Import above `subscribed_kw` [kW] costs `fee_per_kwh` for every kWh above, besides its price (within `band`, if given)."""

    subscribed_kw: float
    fee_per_kwh: Decimal
    band: TimeOfUseBand | None = None

    def applies(self, local: datetime) -> bool:
        """Whether it holds at a site-local instant."""
        return self.band is None or self.band.contains(local)


@dataclass(frozen=True)
class Tariff:
    """Published intervals win over bands, the first matching band wins over the flat price.

    `day_ahead`: the market whose published prices become intervals (`with_published`), where there are none yet.
    """

    id: str
    currency: str
    timezone: str
    flat_price_per_kwh: Decimal = Decimal(0)
    export_price_per_kwh: Decimal = Decimal(0)
    bands: tuple[TimeOfUseBand, ...] = ()
    intervals: tuple[PriceInterval, ...] = ()
    demand_charges: tuple[DemandCharge, ...] = ()
    day_ahead: DayAhead | None = None
    subscriptions: tuple[CapacitySubscription, ...] = ()
    _starts: tuple[datetime, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.intervals, key=lambda p: p.interval))
        object.__setattr__(self, "intervals", ordered)
        object.__setattr__(self, "_starts", tuple(p.interval.starts_at for p in ordered))

    def with_published(self, market: Sequence[PriceInterval]) -> Tariff:
        """With what the market published [money/kWh] as intervals; those the tariff has already stay."""
        follows = self.day_ahead
        if follows is None:
            return self
        new = (follows.price(one) for one in market if self.published_at(one.interval.starts_at) is None)
        return replace(self, intervals=(*self.intervals, *new))

    def published_at(self, instant: datetime) -> PriceInterval | None:
        """The published interval that holds at `instant`, if there is one."""
        index = bisect_right(self._starts, instant) - 1
        if index >= 0 and self.intervals[index].interval.contains(instant):
            return self.intervals[index]
        return None

    def import_price_per_kwh(self, instant: datetime) -> Decimal:
        """Import price per kWh at `instant`."""
        if (published := self.published_at(instant)) is not None:
            return published.import_price_per_kwh
        local = instant.astimezone(ZoneInfo(self.timezone))
        matching = (band.import_price_per_kwh for band in self.bands if band.contains(local))
        return next(matching, self.flat_price_per_kwh)

    def export_price_per_kwh_at(self, instant: datetime) -> Decimal:
        """Export price per kWh at `instant`."""
        published = self.published_at(instant)
        return published.export_price_per_kwh if published is not None else self.export_price_per_kwh


@dataclass(frozen=True)
class EnergyBill:
    """What a series of mean net power costs: energy, demand and what lies above subscriptions, unrounded; `peak_kw` [kW] over the
    demand windows."""

    energy_cost: Decimal
    demand_cost: Decimal
    peak_kw: float
    excess_cost: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """All of it together."""
        return self.energy_cost + self.demand_cost + self.excess_cost


def bill(tariff: Tariff, starts_at: Sequence[datetime], net_kw: Sequence[float], step_s: int) -> EnergyBill:
    """Bill for mean net import [kW] in consecutive steps of `step_s` [s] beginning at `starts_at`.

    `step_s` must divide every demand window. Negative net power is export and earns the export price.
    """
    energy = Decimal(0)
    for instant, power in zip(starts_at, net_kw, strict=True):
        price = tariff.import_price_per_kwh(instant) if power >= 0 else tariff.export_price_per_kwh_at(instant)
        energy += Decimal(power) * Decimal(step_s) / Decimal(3600) * price
    demand = Decimal(0)
    peak_kw = 0.0
    for charge in tariff.demand_charges:
        peaks = _window_peaks_kw(charge, tariff.timezone, starts_at, net_kw)
        demand += sum((charge.price_per_kw * Decimal(p) for p in peaks.values()), Decimal(0))
        peak_kw = max([peak_kw, *peaks.values()])
    if not tariff.demand_charges:
        peak_kw = max([0.0, *net_kw])
    return EnergyBill(energy, demand, peak_kw, _excess_cost(tariff, starts_at, net_kw, step_s))


def _excess_cost(tariff: Tariff, starts_at: Sequence[datetime], net_kw: Sequence[float], step_s: int) -> Decimal:
    """What lies above subscriptions, by the mean power of each step."""
    zone, hours, cost = ZoneInfo(tariff.timezone), Decimal(step_s) / Decimal(3600), Decimal(0)
    for one in tariff.subscriptions:
        for instant, power in zip(starts_at, net_kw, strict=True):
            if power > one.subscribed_kw and one.applies(instant.astimezone(zone)):
                cost += Decimal(power - one.subscribed_kw) * hours * one.fee_per_kwh
    return cost


def _window_peaks_kw(
    charge: DemandCharge, timezone: str, starts_at: Sequence[datetime], net_kw: Sequence[float]
) -> dict[tuple[int, ...], float]:
    """Highest mean import [kW] over any demand window, per billing period (site-local)."""
    zone = ZoneInfo(timezone)
    windows: dict[int, list[tuple[datetime, float]]] = {}
    for instant, power in zip(starts_at, net_kw, strict=True):
        windows.setdefault(int(instant.timestamp()) // charge.window_s, []).append((instant, power))
    peaks: dict[tuple[int, ...], float] = {}
    for members in windows.values():
        local = members[0][0].astimezone(zone)
        if charge.band is not None and not charge.band.contains(local):
            continue
        period = (
            (local.year, local.month) if charge.period is BillingPeriod.MONTH else (local.year, local.month, local.day)
        )
        peaks[period] = max(peaks.get(period, 0.0), sum(power for _, power in members) / len(members))
    return peaks
