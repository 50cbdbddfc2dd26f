"""Caltech's garage: its 54 EVSEs, the lines and pods they hang on, and its tariff.

The garage has 208 V line to line; every EVSE is connected between two lines and gives 32 A, 6.66 kW. Our words know voltage to
neutral and amps per phase, so the site is described with half of 208 V and each EVSE on two phases: power is exact, and the current
of each line is the plain sum of its EVSEs' currents, which is never below the true phasor sum.

Which EVSE is between which lines, the two pods of eight behind 80 A, and the transformer of 150 kW (416.7 A per line at 120 V) are as
in `caltech_acn` of acnportal 0.3.3; the windings of its primary are not modelled. Tariff: Lee et al., "Adaptive charging networks: a
framework for smart electric vehicle charging" (IEEE Trans. Smart Grid 12(5), 2021): SCE TOU-EV-4 in summer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from decimal import Decimal
from zoneinfo import ZoneInfo

from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.tariff import BillingPeriod, DemandCharge, Tariff, TimeOfUseBand
from cpms.domain.units import PHASES, Phase

SITE_ID = "caltech"
ZONE = ZoneInfo("America/Los_Angeles")
HALF_LINE_VOLTAGE_V = 104.0
EVSE_CURRENT_A = 32.0
IMPORT_LIMIT_KW = 150.0
LINE_LIMIT_A = 416.6
POD_LIMIT_A = 80.0
PODS = {
    "cc-pod": (320, 321, 322, 323, 493, 494, 495, 496),
    "av-pod": (324, 325, 326, 327, 489, 490, 491, 492),
}
BETWEEN_LINES = {
    (Phase.L1, Phase.L2): (303, 308, 310, 316, 318, 498, 500, 506, 508, 513, *PODS["cc-pod"], *PODS["av-pod"]),
    (Phase.L2, Phase.L3): (148, 149, 212, 213, 304, 305, 311, 313, 317, 499, 503, 505, 511, 512),
    (Phase.L3, Phase.L1): (306, 307, 309, 312, 314, 315, 319, 497, 501, 502, 504, 507, 509, 510),
}
BANDS = (
    TimeOfUseBand(Decimal("0.25"), time(12), time(18), weekdays=frozenset(range(5))),
    TimeOfUseBand(Decimal("0.09"), time(8), time(23), weekdays=frozenset(range(5))),
)
OFF_PEAK_PER_KWH = Decimal("0.06")
DEMAND_PRICE_PER_KW = Decimal("0.516")
"""15.48 USD per kW and month, pro rata for one day of thirty."""


def caltech(also: Iterable[str]) -> Site:
    """The garage, with the stations `also` besides those it is known to have: between lines in turn, in no pod."""
    known = {_name(number): (lines, _feeder(number)) for lines, numbers in BETWEEN_LINES.items() for number in numbers}
    others = sorted(set(also) - known.keys())
    known |= {one: ((PHASES[n % 3], PHASES[(n + 1) % 3]), "grid") for n, one in enumerate(others)}
    return Site(
        id=SITE_ID,
        name="Caltech garage",
        timezone=ZONE.key,
        currency="USD",
        feeders=(Feeder("grid", LINE_LIMIT_A), *(Feeder(pod, POD_LIMIT_A, "grid") for pod in PODS)),
        stations=tuple(_station(one, *known[one]) for one in sorted(known)),
        voltage_v=HALF_LINE_VOLTAGE_V,
        max_voltage_v=HALF_LINE_VOLTAGE_V * 1.03,
        import_limit_kw=IMPORT_LIMIT_KW,
        region="US-CA",
    )


def tariff() -> Tariff:
    """What it pays."""
    return Tariff(
        id="tou-ev-4",
        currency="USD",
        timezone=ZONE.key,
        flat_price_per_kwh=OFF_PEAK_PER_KWH,
        bands=BANDS,
        demand_charges=(DemandCharge(DEMAND_PRICE_PER_KW, BillingPeriod.DAY),),
    )


def _name(number: int) -> str:
    return f"CA-{number}"


def _feeder(number: int) -> str:
    return next((pod for pod, numbers in PODS.items() if number in numbers), "grid")


def _station(station_id: str, lines: tuple[Phase, ...], feeder_id: str) -> Station:
    connector = Connector(ConnectorKey(station_id, 1), lines, EVSE_CURRENT_A)
    return Station(station_id, SITE_ID, feeder_id, (connector,), vendor="Virtual", model="line-to-line")
