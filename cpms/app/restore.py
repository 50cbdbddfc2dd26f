"""A site's controller from what is stored: after the first start, a crash, or an error, it goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from cpms.app.market import tariff_in_force
from cpms.control.controller import SiteController
from cpms.control.settings import ControlSettings
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.grid import Grant, GrantState
from cpms.domain.identity import AuthorizationStatus
from cpms.domain.session import Session
from cpms.domain.site import Site
from cpms.domain.tariff import BillingPeriod, Tariff
from data.stations import ConnectionState
from data.store import Store


async def restore_controller(store: Store, site_id: str, settings: ControlSettings, now: datetime) -> SiteController:
    """The controller of a site, under a new epoch, with every grant that may still be in force."""
    stations = await store.connection_states(site_id)
    epoch = await store.next_epoch(site_id)
    site = await store.site(site_id)
    tariff = await tariff_in_force(store, site_id, now)
    return SiteController.restore(
        site,
        settings,
        now,
        epoch=epoch,
        limits=await store.limits(site_id),
        events=await store.events(site_id, since=now),
        tariff=tariff,
        forecasts=await _forecasts(store, site_id),
        sessions=await _sessions(store, site_id, now),
        grants=await _grants(store, site_id, stations),
        plan=await store.current_plan(site_id),
        quarantined=await store.quarantined_connectors(site_id),
        clocks={key: station.clock for key, station in stations.items() if station.clock is not None},
        windows=[] if tariff is None else await _demand_windows(store, site, tariff, now),
    )


async def _grants(
    store: Store, site_id: str, stations: Mapping[str, ConnectionState]
) -> list[tuple[Grant, GrantState]]:
    """Every grant that may be in force; a default from before its station's last boot confirms nothing (G5)."""

    def known(grant: Grant, state: GrantState) -> GrantState:
        station = stations.get(grant.connector.station_id)
        booted_at = None if station is None else station.booted_at
        return GrantState.UNKNOWN if grant.is_base and booted_at is not None and grant.issued_at < booted_at else state

    return [(grant, known(grant, state)) for grant, state in await store.live_grants(site_id)]


async def _forecasts(store: Store, site_id: str) -> list[Forecast]:
    found = [await store.latest_forecast(site_id, quantity) for quantity in ForecastQuantity]
    return [forecast for forecast in found if forecast is not None]


async def _sessions(store: Store, site_id: str, now: datetime) -> list[Session]:
    """Open sessions whose driver may charge."""
    allowed = []
    for session in await store.open_sessions(site_id):
        token = None if session.id_tag is None else await store.token(session.id_tag)
        if token is not None and token.status(now) is AuthorizationStatus.ACCEPTED:
            allowed.append(session)
    return allowed


async def _demand_windows(store: Store, site: Site, tariff: Tariff, now: datetime) -> list[tuple[datetime, float]]:
    """Start and mean import [kW] of the demand windows of this billing period so far, for the peak already incurred."""
    if not tariff.demand_charges:
        return []
    window_s = min(charge.window_s for charge in tariff.demand_charges)
    since = _period_start(tariff, now)
    means = await store.measurement_means(site.id, site.root.id, since, now, window_s)
    return [(mean.starts_at, mean.power_kw) for mean in means]


def _period_start(tariff: Tariff, now: datetime) -> datetime:
    local = now.astimezone(ZoneInfo(tariff.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    if any(charge.period is BillingPeriod.MONTH for charge in tariff.demand_charges):
        local = local.replace(day=1)
    return local.astimezone(now.tzinfo)
