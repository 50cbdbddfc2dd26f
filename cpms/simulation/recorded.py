"""A recorded day: sessions of ACN-Data (Caltech's garage) replayed on virtual stations.

The garage has 208 V line to line; every EVSE is connected between two lines and gives 32 A, 6.66 kW. Our words know
voltage to neutral and amps per phase, so the site is described with half of 208 V and each EVSE on two phases: power is
exact, and the current of each line is the plain sum of its EVSEs' currents, which is never below the true phasor sum.

Tariff and cap follow Lee et al., "Adaptive charging networks: a framework for smart electric vehicle charging"
(IEEE Trans. Smart Grid 12(5), 2021): SCE TOU-EV-4 in summer, 150 kW at the transformer.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey, require_station_id
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.tariff import BillingPeriod, DemandCharge, Tariff, TimeOfUseBand
from cpms.domain.units import PHASES
from cpms.simulation.scenario import OCPP_16, OCPP_201, Day, Visit
from cpms.simulation.vehicle import Vehicle

SITE_ID = "caltech"
ZONE = ZoneInfo("America/Los_Angeles")
HALF_LINE_VOLTAGE_V = 104.0
IMPORT_LIMIT_KW = 150.0
LINE_LIMIT_A = 480.0
"""150 kW at 208 V are 416 A in a balanced line; as plain sums of EVSE currents 2 / sqrt(3) times that."""
EVSE_CURRENT_A = 32.0
MIN_STAY = timedelta(minutes=5)
BANDS = (
    TimeOfUseBand(Decimal("0.25"), time(12), time(18), weekdays=frozenset(range(5))),
    TimeOfUseBand(Decimal("0.09"), time(8), time(23), weekdays=frozenset(range(5))),
)
OFF_PEAK_PER_KWH = Decimal("0.06")
DEMAND_PRICE_PER_KW = Decimal("0.516")
"""15.48 USD per kW and month, pro rata for one day of thirty."""


@dataclass(frozen=True)
class Recording:
    """One row of a file of sessions; energies in kWh."""

    arrival: datetime
    departure: datetime
    requested_kwh: float
    delivered_kwh: float
    station_id: str
    estimated_departure: datetime


def recorded_day(sessions: Path, on: date) -> Day:
    """The sessions that arrive on `on` (local date), on all stations that the file knows."""
    recordings = read_recordings(sessions)
    midnight = datetime.combine(on, time(0), ZONE)
    ends_at = datetime.combine(on + timedelta(days=1), time(0), ZONE)
    todays = [r for r in recordings if midnight <= r.arrival < ends_at]
    if not todays:
        raise InvalidInput("date", f"no session arrives on {on}", f"choose from {_span(recordings)}")
    site = _site(sorted({require_station_id(r.station_id) for r in recordings}))
    starts_at = midnight.astimezone(ZoneInfo("UTC"))
    duration_s = int((ends_at.astimezone(ZoneInfo("UTC")) - starts_at).total_seconds())
    minutes = duration_s // 60 + 1
    return Day(
        name=f"{midnight:%A %d %B %Y}, Caltech",
        site=site,
        protocols={s.id: (OCPP_16, OCPP_201)[i % 2] for i, s in enumerate(site.stations)},
        visits=_visits(todays, ends_at),
        tariff=_tariff(),
        starts_at=starts_at,
        duration_s=duration_s,
        solar_kw=(0.0,) * minutes,
        other_load_kw=(0.0,) * minutes,
    )


def read_recordings(sessions: Path) -> list[Recording]:
    """All rows of a CSV file (.gz or plain), in the order of arrival; InvalidInput names what cannot be read."""
    opener = gzip.open if sessions.suffix == ".gz" else open
    try:
        with opener(sessions, "rt", newline="") as file:
            return sorted((_recording(row) for row in csv.DictReader(file)), key=lambda r: r.arrival)
    except (OSError, KeyError, ValueError) as error:
        raise InvalidInput(
            "sessions", f"{sessions} cannot be read ({error!r})", "give a file of ACN sessions"
        ) from error


def _recording(row: dict[str, str]) -> Recording:
    return Recording(
        arrival=datetime.fromisoformat(row["arrival"]),
        departure=datetime.fromisoformat(row["departure"]),
        requested_kwh=float(row["requested_energy (kWh)"]),
        delivered_kwh=float(row["delivered_energy (kWh)"]),
        station_id=row["station_id"],
        estimated_departure=datetime.fromisoformat(row["estimated_departure"]),
    )


def _span(recordings: list[Recording]) -> str:
    if not recordings:
        return "a file with sessions"
    return f"{recordings[0].arrival.date()} to {recordings[-1].arrival.date()}"


def _site(station_ids: list[str]) -> Site:
    return Site(
        id=SITE_ID,
        name="Caltech garage",
        timezone=ZONE.key,
        currency="USD",
        feeders=(
            Feeder("grid", LINE_LIMIT_A),
            Feeder("panel-1", LINE_LIMIT_A * 0.6, "grid"),
            Feeder("panel-2", LINE_LIMIT_A * 0.6, "grid"),
        ),
        stations=tuple(_station(station_id, number) for number, station_id in enumerate(station_ids)),
        voltage_v=HALF_LINE_VOLTAGE_V,
        max_voltage_v=HALF_LINE_VOLTAGE_V * 1.03,
        import_limit_kw=IMPORT_LIMIT_KW,
        region="US-CA",
    )


def _station(station_id: str, number: int) -> Station:
    lines = (PHASES[number % 3], PHASES[(number + 1) % 3])
    connector = Connector(ConnectorKey(station_id, 1), lines, EVSE_CURRENT_A)
    return Station(station_id, SITE_ID, f"panel-{number % 2 + 1}", (connector,), vendor="Virtual", model="line-to-line")


def _visits(recordings: list[Recording], ends_at: datetime) -> tuple[Visit, ...]:
    """Overlapping rows of one EVSE are cut at the next arrival, stays end with the day, and a stay that is cut took its
    share of the recorded energy."""
    visits = []
    for number, recording in enumerate(recordings):
        later = [r.arrival for r in recordings[number + 1 :] if r.station_id == recording.station_id]
        departs_at = min([recording.departure, ends_at - MIN_STAY, *(at - timedelta(minutes=1) for at in later)])
        if departs_at - recording.arrival >= MIN_STAY:
            visits.append(_visit(number, recording, departs_at))
    return tuple(visits)


def _visit(number: int, recording: Recording, departs_at: datetime) -> Visit:
    utc = ZoneInfo("UTC")
    stayed = (departs_at - recording.arrival) / max(recording.departure - recording.arrival, MIN_STAY)
    stated_departs_at = max(recording.estimated_departure, recording.arrival + MIN_STAY)
    return Visit(
        id_tag=f"ACN-{number + 1:03d}",
        connector=ConnectorKey(recording.station_id, 1),
        arrives_at=recording.arrival.astimezone(utc),
        departs_at=departs_at.astimezone(utc),
        vehicle=Vehicle(recording.delivered_kwh * min(1.0, stayed), EVSE_CURRENT_A, 2),
        stated_kwh=recording.requested_kwh,
        stated_departs_at=stated_departs_at.astimezone(utc),
    )


def _tariff() -> Tariff:
    return Tariff(
        id="tou-ev-4",
        currency="USD",
        timezone=ZONE.key,
        flat_price_per_kwh=OFF_PEAK_PER_KWH,
        bands=BANDS,
        demand_charges=(DemandCharge(DEMAND_PRICE_PER_KW, BillingPeriod.DAY),),
    )
