from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.tariff import BillingPeriod, DemandCharge, Tariff
from cpms.domain.units import PHASES
from cpms.simulation.scenario import OCPP_16, Day, Visit
from cpms.simulation.vehicle import Vehicle

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
MakeDay = Callable[..., Day]
MakeVisit = Callable[..., Visit]


@pytest.fixture
def make_visit() -> MakeVisit:
    def make(
        station: str = "a", energy_kwh: float = 5.0, arrives_s: int = 60, stays_s: int = 3000, **vehicle: float
    ) -> Visit:
        arrives_at = START + timedelta(seconds=arrives_s)
        departs_at = arrives_at + timedelta(seconds=stays_s)
        return Visit(
            id_tag=f"TAG-{station}-{arrives_s}",
            connector=ConnectorKey(station, 1),
            arrives_at=arrives_at,
            departs_at=departs_at,
            vehicle=Vehicle(energy_kwh, **vehicle),  # type: ignore[arg-type]
            stated_kwh=energy_kwh,
            stated_departs_at=departs_at,
        )

    return make


@pytest.fixture
def make_day() -> MakeDay:
    """An hour of three 32 A stations on one feeder of 40 A below a connection of 63 A, 0 base load unless told."""

    def make(visits: Iterable[Visit] = (), duration_s: int = 3600, other_kw: float = 0.0, **site: object) -> Day:
        stations = tuple(
            Station(name, "s", "row", (Connector(ConnectorKey(name, 1), PHASES[n:] + PHASES[:n]),), model="m")
            for n, name in enumerate("abc")
        )
        feeders = (Feeder("grid", 63.0), Feeder("row", 40.0, "grid"))
        minutes = duration_s // 60 + 1
        return Day(
            name="test",
            site=Site("s", "S", "UTC", "EUR", feeders, stations, **site),  # type: ignore[arg-type]
            protocols=dict.fromkeys("abc", OCPP_16),
            visits=tuple(visits),
            tariff=Tariff(
                "t", "EUR", "UTC", Decimal("0.2"), demand_charges=(DemandCharge(Decimal(1), BillingPeriod.DAY),)
            ),
            starts_at=START,
            duration_s=duration_s,
            solar_kw=(0.0,) * minutes,
            other_load_kw=(other_kw,) * minutes,
        )

    return make
