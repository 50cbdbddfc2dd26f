"""Who may still come to a site today, and how high the billing month's peak may get. Runs in a worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cpms.app.day_and_month import Measured
from cpms.control.peaks import is_shared
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.session import Session
from cpms.domain.site import Site
from cpms.domain.tariff import Tariff
from cpms.domain.time import Interval
from cpms.domain.units import PHASES, power_kw
from data.means import Quarters
from data.quarter_energy import QUARTER_S
from forecasting.load.windows import highest_kw

if TYPE_CHECKING:
    from forecasting.arrivals.rests import Outlook
    from forecasting.arrivals.visits import Visit
    from forecasting.calendar import Calendar

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
MOST_CROWDS = 8
"""Pairs of feeder and phases that are told apart; where there are more, crowds are below the grid connection, on all phases."""

LEAST_DAYS = 5
"""So many days must have been seen before anybody says who will come."""


def visits_of(site: Site, sessions: Sequence[Session]) -> list[Visit]:
    """Ended sessions as visits, by feeder and phases as far as that is not too fine."""
    from forecasting.arrivals.visits import Visit

    feeders = {key: site.station_by_id[key.station_id].feeder_id for key in site.connectors}
    visits = []
    for s in sessions:
        if s.connector in feeders and s.ended_at is not None and s.ended_at > s.started_at:
            connector = site.connectors[s.connector]
            phases = s.active_phases or connector.phases
            max_kw = power_kw(connector.max_current_a, site.voltage_v, len(phases))
            visits.append(Visit(s.started_at, s.ended_at, s.energy_kwh, max_kw, feeders[s.connector], phases))
    if len({(visit.feeder_id, visit.phases) for visit in visits}) <= MOST_CROWDS:
        return visits
    return [
        Visit(v.arrives_at, v.departs_at, v.energy_kwh, v.max_kw, site.root.id, PHASES) for v in visits
    ]  # fmt: skip


def expected_arrivals(
    site: Site, visits: Sequence[Visit], present: Sequence[Session], quarters: Quarters, tariff: Tariff | None, now: datetime
) -> Outlook | None:  # fmt: skip
    """Likely rests of the day, and the share of a monthly demand charge that a kW of peak costs today; None of a new site."""
    from forecasting.arrivals.base import Base
    from forecasting.arrivals.rests import outlook

    zone = ZoneInfo(site.timezone)
    today = now.astimezone(zone).date()
    if len({visit.arrives_at.astimezone(zone).date() for visit in visits} - {today}) < LEAST_DAYS:
        return None
    begun = [*(visit.arrives_at for visit in visits), *(session.started_at for session in present)]
    arrived = sum(at.astimezone(zone).date() == today for at in begun)
    billing_ends_at = _billing_month(zone if tariff is None else ZoneInfo(tariff.timezone), now)[1]
    base = Base.of(_beside_vehicles(quarters, now), zone)
    return outlook(visits, now, billing_ends_at, site.timezone, 1.0, base=base, arrived=arrived)


def forecast_arrivals(
    site: Site, visits: Sequence[Visit], present: Sequence[Session], calendar: Calendar, now: datetime
) -> Forecast:
    """Energy [kWh] of the vehicles that come from now to the end of the local day."""
    from forecasting.arrivals.to_come import arrivals_to_come

    zone = ZoneInfo(site.timezone)
    told = arrivals_to_come(visits, [s.started_at for s in present], now, site.timezone, LEVELS, calendar)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).astimezone(UTC)
    return _single(site, ForecastQuantity.ARRIVALS_KWH, now, midnight, told.energy_kwh, "days alike, how busy today is")


def forecast_peak(
    site: Site, measured: Measured, tariff: Tariff | None, calendar: Calendar, now: datetime
) -> Forecast | None:
    """The billing month's highest demand window [kW] at the grid connection, from `measured` (`power_of`); None without a monthly
    demand charge at all hours."""
    from forecasting.load.month_peak import month_peak

    window_s = demand_window_s(tariff)
    if tariff is None or window_s is None:
        return None
    begins_at, ends_at = _billing_month(ZoneInfo(tariff.timezone), now)
    so_far_kw = highest_kw(measured, begins_at, now, window_s)
    told = month_peak(measured, tariff.timezone, now, ends_at, so_far_kw, LEVELS, window_s, calendar)
    method = f"{told.so_far_kw:.1f} kW so far, days alike"
    return _single(site, ForecastQuantity.PEAK_IMPORT_KW, now, ends_at, told.peak_kw, method)


def demand_window_s(tariff: Tariff | None) -> int | None:
    """Length [s] of the windows of the dearest monthly demand charge at all hours, a quarter hour at least; None without one."""
    monthly = [] if tariff is None else [charge for charge in tariff.demand_charges if is_shared(charge)]
    dearest = max(monthly, key=lambda charge: charge.price_per_kw, default=None)
    return None if dearest is None else max(QUARTER_S, dearest.window_s)


def power_of(quarters: Quarters) -> Measured:
    """Power [kW] at the grid connection in each quarter hour, by its start."""
    return [
        (datetime.fromtimestamp(start_s, UTC), kw)
        for start_s, kw in zip(quarters.starts_s, quarters.power_kw, strict=True)
    ]


def _beside_vehicles(quarters: Quarters, now: datetime) -> list[tuple[datetime, float]]:
    """Other load less sun [kW] per quarter hour in which either was measured."""
    rows = zip(quarters.starts_s, quarters.other_load_kw, quarters.solar_kw, strict=True)
    told = [
        (datetime.fromtimestamp(start_s, UTC), (load_kw or 0.0) - (solar_kw or 0.0))
        for start_s, load_kw, solar_kw in rows
        if load_kw is not None or solar_kw is not None
    ]
    return [(at, kw) for at, kw in told if at < now]


def _billing_month(zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """First instant of the local month of `now`, and of the next."""
    local = now.astimezone(zone)
    first = datetime(local.year, local.month, 1, tzinfo=zone)
    following = datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=zone)
    return first.astimezone(UTC), following.astimezone(UTC)


def _single(
    site: Site, quantity: ForecastQuantity, now: datetime, ends_at: datetime, values: Sequence[float], method: str
) -> Forecast:
    """A forecast of one interval, from now on."""
    return Forecast(site.id, quantity, now, (Interval(now, ends_at),), LEVELS, (tuple(values),), method)
