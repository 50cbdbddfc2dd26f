"""A month of a real garage's bill: `optimizer.plan` with an outlook on arrivals, the published method, and the simple ones.

Protocol of "Pricing EV Charging Service with Demand Charge" (PSCC 2020): periods of 5 minutes, stays cut at 12 h, 208 V, 32 A, true
departures and energies known at plug-in, the demand charge on the month's highest period. Perfect foresight is computed here.
The planner sees who is here and `forecasting.arrivals.rests`: likely days and prices of peak, from visits that have ended; and the
optimal peak of the month before until three days of a kind are seen (the published method is told that too).

    python -m tests.benchmarks.month --sessions FILE [--history FILE ...] --month 2019-07 --site caltech --tariff FILE --json
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from acnportal.algorithms import SortedSchedulingAlgo, UncontrolledCharging, least_laxity_first

from cpms.domain.errors import InvalidInput
from tests.benchmarks.acn.command import Report, add_reality, parser_of, report_of, rounded
from tests.benchmarks.acn.data import ZONE, read_tariff
from tests.benchmarks.acn.garage import Garage
from tests.benchmarks.acn.month_controllers import Bill, OutlookController, PublishedController

PLANNER = "optimizer.plan on forecasting.arrivals.rests"
HINT_SHARE = 0.75
PUBLISHED = {
    ("caltech", "2019-05"): {"cost": 1346.25, "offline_cost": 1214.01},
    ("caltech", "2019-07"): {
        "cost": 1499.09,
        "offline_cost": 1346.35,
        "uncontrolled_cost": 2178.84,
        "llf_cost": 2207.74,
    },
    ("caltech", "2019-09"): {"offline_cost": 1610.19},
    ("caltech", "2019-10"): {"offline_cost": 1188.99},
}
PUBLISHED_PEAK_KW = {("caltech", "2019-04"): 34.04}
"""The month before the first file, whose optimal peak the published controller was told too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = parser_of("month", __doc__)
    parser.add_argument("--history", type=Path, nargs="*", default=[], help="further files, for the months before")
    parser.add_argument("--month", required=True, help="YYYY-MM")
    parser.add_argument("--tariff", type=Path, required=True, help="a schedule of acnportal's format (JSON)")
    add_reality(parser)
    parser.add_argument("--alone", action="store_true", help="without the methods it is compared with")
    parser.add_argument("--expected-peak-kw", type=float, help="the optimal peak of the month before [kW]")
    return report_of(run, parser, arguments)


def run(given: argparse.Namespace) -> Report:
    """The report: the planner's figures on top, the others by name."""
    start, end = month_of(given.month)
    files = [given.sessions, *given.history]
    garage = Garage.read(files, given.site, given.cap_kw, read_tariff(given.tariff), start, end)
    garage = replace(garage, real_stations=given.real_stations, tapering=given.tapering)
    offline_cost, offline_peak_kw = garage.offline()
    offline_profit = -garage.offline(given.sells_per_kwh)[0]

    def judged(figures: dict[str, float]) -> dict[str, float]:
        return rounded(_judged(figures, garage, offline_cost, offline_profit, given.sells_per_kwh))

    before_kw = given.expected_peak_kw or optimal_peak_before(given, files, start)
    bill = Bill(garage.price_per_kwh, end, garage.demand_per_kw)
    planner = OutlookController(start, bill, garage.past, before_kw)
    others = {
        "published_method": PublishedController(start, bill, HINT_SHARE * (before_kw or 0.0)),
        "uncontrolled": UncontrolledCharging(),
        "llf": SortedSchedulingAlgo(least_laxity_first),
    }
    others["llf"].max_recompute = 1
    report: Report = {
        "month": given.month,
        "site": given.site,
        "sessions": len(garage.stays),
        "planner": PLANNER,
    }
    report |= judged(garage.run(planner))
    report |= {"cpu_ms_per_plan": round(1000 * planner.cpu_s / planner.plans, 2), "plans": planner.plans}
    report |= {"offline_cost": round(offline_cost, 2), "offline_peak_kw": round(offline_peak_kw, 2)}
    report |= {"optimal_peak_before_kw": before_kw and round(before_kw, 2)}
    if not given.alone:
        report |= {name: judged(garage.run(other)) for name, other in others.items()}
    return report | {"published": PUBLISHED.get((given.site, given.month), {})}


def optimal_peak_before(given: argparse.Namespace, files: Sequence[Path], start: datetime) -> float | None:
    """Perfect foresight's peak [kW] of the month before, from the files or as published; None where neither has it."""
    first, _ = month_of(f"{start.year - (start.month == 1)}-{(start.month - 2) % 12 + 1:02}")
    try:
        earlier = Garage.read(files, given.site, given.cap_kw, read_tariff(given.tariff), first, start)
    except InvalidInput:
        return PUBLISHED_PEAK_KW.get((given.site, f"{first:%Y-%m}"))
    return earlier.offline()[1]


def month_of(text: str) -> tuple[datetime, datetime]:
    """The month's first and last instant, site-local; InvalidInput unless YYYY-MM."""
    try:
        start = datetime.strptime(text, "%Y-%m").replace(tzinfo=ZONE)
    except ValueError as error:
        raise InvalidInput("month", f"{text!r} is no month", "give YYYY-MM") from error
    return start, start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)


def _judged(
    figures: dict[str, float], garage: Garage, offline_cost: float, offline_profit: float, sells_per_kwh: float
) -> dict[str, float]:
    """With regret and profit, against perfect foresight on ideal stations and batteries."""
    sold_kwh = figures["delivered_pct"] / 100 * sum(stay.energy_kwh for stay in garage.stays)
    profit = sells_per_kwh * sold_kwh - figures["cost"]
    return figures | {
        "regret_pct": 100 * (figures["cost"] / offline_cost - 1),
        "profit": profit,
        "of_offline_profit_pct": 100 * profit / offline_profit,
    }


if __name__ == "__main__":
    raise SystemExit(main())
