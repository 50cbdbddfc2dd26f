"""A month of a real garage's bill: the planner with its outlook on arrivals, the published controller, and the simple ones.

Protocol of "Pricing EV Charging Service with Demand Charge" (PSCC 2020): periods of 5 minutes, stays cut at 12 h, 208 V, 32 A, true
departures and energies known at plug-in, the demand charge on the month's highest period. Perfect foresight is computed here.
The planner is `forecasting.arrivals` (likely days, price of peak) with the compact program of `acn.scenario_plan`; it is shown visits
that have ended, and the optimal peak of the month before until three days of a kind are seen (the published one is told that too).

    python -m tests.benchmarks.month --sessions FILE [--history FILE ...] --month 2019-07 --site caltech --tariff FILE --json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from acnportal.algorithms import SortedSchedulingAlgo, UncontrolledCharging, least_laxity_first

from cpms.domain.errors import InvalidInput
from tests.benchmarks.acn.controller import PlanningController, PublishedController
from tests.benchmarks.acn.data import ZONE, read_tariff
from tests.benchmarks.acn.garage import Garage

PLANNER = "forecasting.arrivals + tests.benchmarks.acn.scenario_plan"
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
    """Print one JSON object (or lines for people)."""
    given = _parser().parse_args(arguments)
    try:
        report = run(given)
    except InvalidInput as error:
        print(error, file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(report, indent=2))
    else:
        print("\n".join(f"{name}: {value}" for name, value in report.items()))
    return 0


def run(given: argparse.Namespace) -> dict[str, object]:
    """The report: the planner's figures on top, the others by name."""
    start, end = month_of(given.month)
    files = [given.sessions, *given.history]
    tariff = read_tariff(given.tariff)
    garage = Garage.read(files, given.site, given.cap_kw, tariff, start, end)
    offline_cost, offline_peak_kw = garage.offline()
    before_kw = given.expected_peak_kw or optimal_peak_before(given, files, start)

    def planning(kind: type[PlanningController]) -> PlanningController:
        return kind(start, end, garage.price_per_kwh, garage.demand_per_kw, garage.past, before_kw)

    planner, published = planning(PlanningController), planning(PublishedController)
    published.hint_kw = HINT_SHARE * (before_kw or 0.0)
    others = {
        "published_method": published,
        "uncontrolled": UncontrolledCharging(),
        "llf": SortedSchedulingAlgo(least_laxity_first),
    }
    others["llf"].max_recompute = 1
    report: dict[str, object] = {
        "month": given.month,
        "site": given.site,
        "sessions": len(garage.stays),
        "planner": PLANNER,
    }
    report |= _rounded(_with_regret(garage.run(planner), offline_cost))
    report |= {"cpu_ms_per_plan": round(1000 * planner.cpu_s / planner.plans, 2), "plans": planner.plans}
    report |= {"offline_cost": round(offline_cost, 2), "offline_peak_kw": round(offline_peak_kw, 2)}
    report |= {"optimal_peak_before_kw": before_kw and round(before_kw, 2)}
    report |= {name: _rounded(_with_regret(garage.run(other), offline_cost)) for name, other in others.items()}
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


def _with_regret(figures: dict[str, float], offline_cost: float) -> dict[str, float]:
    return figures | {"regret_pct": 100 * (figures["cost"] / offline_cost - 1)}


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4 if name == "delivered_pct" else 2) for name, value in figures.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.month", description=__doc__)
    parser.add_argument("--sessions", type=Path, required=True, help="ACN-Data sessions (CSV, may be gzipped)")
    parser.add_argument("--history", type=Path, nargs="*", default=[], help="further files, for the months before")
    parser.add_argument("--month", required=True, help="YYYY-MM")
    parser.add_argument("--site", default="caltech")
    parser.add_argument("--tariff", type=Path, required=True, help="a schedule of acnportal's format (JSON)")
    parser.add_argument("--cap-kw", type=float, help="the transformer's [kW]; default: the site's")
    parser.add_argument("--expected-peak-kw", type=float, help="the optimal peak of the month before [kW]")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
