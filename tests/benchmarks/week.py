"""Scarcity: working days of a real garage behind a transformer that is too small; who delivers how much of what could be had.

Periods of 5 minutes, stays cut at 12 h, true departures and energies known at plug-in, the site's three-phase unbalanced network with
its currents as vectors. The bound knows all arrivals beforehand, and ideal stations and batteries. Profit is what is sold less what
its energy costs by the tariff (a few days are no billing period: no demand charge); its bound is as ideal. A second bound of the
profit knows batteries that taper; its stations are ideal still. A period is violated where what is drawn exceeds a limit, and
overpermitted where what is permitted would.

    python -m tests.benchmarks.week --sessions FILE --from 2019-07-08 --days 5 --site caltech --cap-kw 30 --json
    python -m tests.benchmarks.week ... --real-stations --tapering --tariff FILE --json
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from acnportal.algorithms import (
    BaseAlgorithm,
    RoundRobin,
    SortedSchedulingAlgo,
    earliest_deadline_first,
    least_laxity_first,
)

from cpms.domain.tariff import Tariff
from tests.benchmarks.acn.command import Report, add_reality, parser_of, report_of
from tests.benchmarks.acn.controller import WATCHED, PlannedController
from tests.benchmarks.acn.data import TIMEZONE, ZONE, read_tariff
from tests.benchmarks.acn.garage import Garage
from tests.benchmarks.acn.most_energy import most_energy_kwh, most_worth, total_kwh


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = parser_of("week", __doc__)
    parser.add_argument("--from", dest="from_", required=True, help="YYYY-MM-DD")
    parser.add_argument("--days", type=int, default=5)
    add_reality(parser)
    parser.add_argument("--tariff", type=Path, help="a schedule of acnportal's format (JSON); default: energy is free")
    parser.set_defaults(cap_kw=30.0)
    return report_of(run, parser, arguments)


def run(given: argparse.Namespace) -> Report:
    """Delivered energy and profit in % of their bounds, per controller."""
    start = datetime.fromisoformat(given.from_).replace(tzinfo=ZONE)
    end = start + timedelta(days=given.days)
    tariff = read_tariff(given.tariff) if given.tariff else Tariff("none", "USD", TIMEZONE)
    garage = Garage.read([given.sessions], given.site, given.cap_kw, tariff, start, end)
    garage = replace(garage, real_stations=given.real_stations, tapering=given.tapering)
    bound = Bound.of(garage, given.sells_per_kwh)
    planner = PlannedController(start, garage.price_per_kwh)
    if given.tapering:
        planner.max_recompute = WATCHED
    controllers: dict[str, BaseAlgorithm] = {
        "planner": planner,
        "edf": SortedSchedulingAlgo(earliest_deadline_first),
        "llf": SortedSchedulingAlgo(least_laxity_first),
        "round_robin": RoundRobin(least_laxity_first, continuous_inc=1),
    }
    report: Report = {
        "from": given.from_,
        "days": given.days,
        "cap_kw": given.cap_kw,
        "sessions": len(garage.stays),
        "wanted_kwh": round(total_kwh(garage.stays), 1),
        "offline_kwh": round(bound.energy_kwh, 1),
        "offline_profit": round(bound.profit, 2),
        "offline_profit_tapering": round(bound.profit_tapering, 2),
    }
    for name, controller in controllers.items():
        if controller is not planner:
            controller.max_recompute = 1
        report[name] = bound.judged(garage.run(controller))
    return report | {"cpu_ms_per_plan": round(1000 * planner.cpu_s / planner.plans, 2), "plans": planner.plans}


@dataclass(frozen=True)
class Bound:
    """What perfect foresight could deliver of `wanted_kwh` [kWh] and earn [money], on ideal stations and batteries;
    `profit_tapering`: with the batteries there are."""

    wanted_kwh: float
    energy_kwh: float
    profit: float
    profit_tapering: float
    sells_per_kwh: float

    @classmethod
    def of(cls, garage: Garage, sells_per_kwh: float) -> Bound:
        """Where a kWh is sold for `sells_per_kwh` [money]."""
        stations, network = garage.infrastructure()
        worth_per_kwh = sells_per_kwh - np.array(garage.price_per_kwh)
        return cls(
            wanted_kwh=total_kwh(garage.stays),
            energy_kwh=most_energy_kwh(garage.stays, stations, network),
            profit=most_worth(garage.stays, stations, network, worth_per_kwh),
            profit_tapering=most_worth(garage.stays, stations, network, worth_per_kwh, garage.batteries()),
            sells_per_kwh=sells_per_kwh,
        )

    def judged(self, figures: dict[str, float]) -> dict[str, float]:
        """A controller's figures against the bounds."""
        delivered_kwh = float(figures["delivered_pct"]) / 100 * self.wanted_kwh
        profit = self.sells_per_kwh * delivered_kwh - float(figures["energy_cost"])
        return {
            "delivered_kwh": round(delivered_kwh, 1),
            "of_offline_pct": round(100 * delivered_kwh / self.energy_kwh, 3),
            "profit": round(profit, 2),
            "of_offline_profit_pct": round(100 * profit / self.profit, 2),
            "of_offline_profit_tapering_pct": round(100 * profit / self.profit_tapering, 2),
            "violated_periods": int(figures["violated_periods"]),
            "overpermitted_periods": int(figures["overpermitted_periods"]),
        }


if __name__ == "__main__":
    raise SystemExit(main())
