"""Scarcity: working days of a real garage behind a transformer that is too small; who delivers how much of what could be had.

Periods of 5 minutes, stays cut at 12 h, true departures and energies known at plug-in, the site's three-phase unbalanced network with
its currents as vectors. The bound knows all arrivals beforehand.

    python -m tests.benchmarks.week --sessions FILE --from 2019-07-08 --days 5 --site caltech --cap-kw 30 --json
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta

from acnportal.algorithms import (
    BaseAlgorithm,
    RoundRobin,
    SortedSchedulingAlgo,
    earliest_deadline_first,
    least_laxity_first,
)

from cpms.domain.tariff import Tariff
from tests.benchmarks.acn.command import Report, parser_of, report_of
from tests.benchmarks.acn.controller import PlannedController
from tests.benchmarks.acn.data import TIMEZONE, ZONE
from tests.benchmarks.acn.garage import Garage
from tests.benchmarks.acn.most_energy import most_energy_kwh, total_kwh


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = parser_of("week", __doc__)
    parser.add_argument("--from", dest="from_", required=True, help="YYYY-MM-DD")
    parser.add_argument("--days", type=int, default=5)
    parser.set_defaults(cap_kw=30.0)
    return report_of(run, parser, arguments)


def run(given: argparse.Namespace) -> Report:
    """Delivered energy in % of the bound, per controller."""
    start = datetime.fromisoformat(given.from_).replace(tzinfo=ZONE)
    end = start + timedelta(days=given.days)
    garage = Garage.read([given.sessions], given.site, given.cap_kw, Tariff("none", "USD", TIMEZONE), start, end)
    stations, network = garage.infrastructure()
    bound_kwh = most_energy_kwh(garage.stays, stations, network)
    planner = PlannedController(start, garage.price_per_kwh)
    controllers: dict[str, BaseAlgorithm] = {
        "planner": planner,
        "edf": SortedSchedulingAlgo(earliest_deadline_first),
        "llf": SortedSchedulingAlgo(least_laxity_first),
        "round_robin": RoundRobin(least_laxity_first, continuous_inc=1),
    }
    wanted_kwh = total_kwh(garage.stays)
    report: Report = {
        "from": given.from_,
        "days": given.days,
        "cap_kw": given.cap_kw,
        "sessions": len(garage.stays),
        "wanted_kwh": round(wanted_kwh, 1),
        "offline_kwh": round(bound_kwh, 1),
    }
    for name, controller in controllers.items():
        controller.max_recompute = 1 if controller is not planner else None
        figures = garage.run(controller)
        delivered_kwh = figures["delivered_pct"] / 100 * wanted_kwh
        report[name] = {
            "delivered_kwh": round(delivered_kwh, 1),
            "of_offline_pct": round(100 * delivered_kwh / bound_kwh, 3),
            "violated_periods": int(figures["violated_periods"]),
        }
    return report | {"cpu_ms_per_plan": round(1000 * planner.cpu_s / planner.plans, 2), "plans": planner.plans}


if __name__ == "__main__":
    raise SystemExit(main())
