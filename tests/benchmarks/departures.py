"""What drivers say against what they do: a garage in rolling closed loop, by what the planner believes of each session.

Recorded sessions behind a cap, a time-of-use price; a kWh missing at departure costs twice the dearest kWh, which is what the planner
reckons with. The planner is the product's (`optimizer.plan`, minimum current and 0.1 A steps), planning again at every plug-in, unplug
and quarter of an hour; the views differ in nothing but the needs they state. Forecasts are the product's, learned from what had ended.
Regret is to perfect foresight, which knows all arrivals too. Over several weeks: what believing something else than statements saves
in a week, with its standard error, as weeks differ more than views do.

    python -m tests.benchmarks.departures --sessions FILE --from 2019-07-08 --days 5 --tariff FILE --cap-kw 50 --json
    python -m tests.benchmarks.departures --sessions FILE FILE --from 2019-09-02 --weeks 8 --tariff FILE --cap-kw 50 --json
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.acn.command import report_of
from tests.benchmarks.acn.data import TIMEZONE, ZONE, read_tariff
from tests.benchmarks.recorded_sessions import read_sessions
from tests.benchmarks.rolling.compare import saved_pct
from tests.benchmarks.rolling.foresight import least_cost
from tests.benchmarks.rolling.loop import Loop, Outcome
from tests.benchmarks.rolling.recorded import Hindcast, Recorded
from tests.benchmarks.rolling.views import View, careful, distributions, medians, statements, truth

VIEWS: dict[str, View] = {
    "statements": statements,
    "careful": careful,
    "medians": medians,
    "distributions": distributions,
    "truth_at_plug_in": truth,
}
ENOUGH = 0.99
"""Who has this share of what he wants is served."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one JSON object (or lines for people)."""
    return report_of(run, _parser(), arguments)


def run(given: argparse.Namespace) -> dict[str, object]:
    """Cost and regret per view, week by week, and what the other views save against the first."""
    starts = _starts(datetime.fromisoformat(given.from_), given.weeks)
    sessions = [session for file in given.sessions for session in read_sessions(file)]
    hindcast = Hindcast.of(sessions, starts[0], starts[-1] + timedelta(days=given.days), TIMEZONE)
    weeks = {f"{start:%Y-%m-%d}": _week(given, hindcast, start) for start in starts}
    report: dict[str, object] = {"days": given.days, "cap_kw": given.cap_kw, "weeks": weeks}
    return report if given.weeks == 1 else report | _over_weeks(given.views, list(weeks.values()))


def _over_weeks(views: Sequence[str], weeks: Sequence[dict[str, Any]]) -> dict[str, object]:
    cost = {view: [week[view]["cost"] for week in weeks] for view in views}
    least = sum(week["perfect_foresight"]["cost"] for week in weeks)
    first, *others = views
    return {
        "regret_pct": {view: round(100 * (sum(cost[view]) / least - 1), 2) for view in views},
        f"saved_pct_against_{first}": {view: saved_pct(cost[first], cost[view]) for view in others},
    }


def _starts(first: datetime, weeks: int) -> list[datetime]:
    """Midnight of the same weekday, week after week."""
    return [(first + timedelta(weeks=n)).replace(tzinfo=ZONE) for n in range(weeks)]


def _week(given: argparse.Namespace, hindcast: Hindcast, start: datetime) -> dict[str, Any]:
    recorded = Recorded.read(hindcast, start, start + timedelta(days=given.days), read_tariff(given.tariff))
    least, least_missing_kwh = least_cost(recorded, given.cap_kw)
    report: dict[str, Any] = {
        "sessions": len(recorded.sessions),
        "with_statement": sum(session.need is not None for session in recorded.sessions),
        "wanted_kwh": round(sum(recorded.energy_kwh.values()), 1),
        "missing_per_kwh": round(recorded.missing_per_kwh, 4),
        "perfect_foresight": {"cost": round(least, 2), "missing_kwh": round(least_missing_kwh, 2)},
    }
    for name in given.views:
        outcome = Loop(recorded, given.cap_kw, VIEWS[name], given.time_limit).run()
        report[name] = _figures(recorded, outcome, least)
    return report


def _figures(recorded: Recorded, outcome: Outcome, least: float) -> dict[str, float]:
    missing_kwh = {s: wanted - outcome.delivered_kwh[s] for s, wanted in recorded.energy_kwh.items()}
    lacking_kwh = sum(missing_kwh.values())
    cost = outcome.energy_cost + recorded.missing_per_kwh * lacking_kwh
    served = sum(missing_kwh[s] <= (1 - ENOUGH) * wanted for s, wanted in recorded.energy_kwh.items())
    return {
        "cost": round(cost, 2),
        "regret_pct": round(100 * (cost / least - 1), 2),
        "energy_cost": round(outcome.energy_cost, 2),
        "missing_kwh": round(lacking_kwh, 1),
        "served": served,
        "highest_kw": round(outcome.highest_kw, 2),
        "plans": outcome.plans,
        "cpu_ms_per_plan": round(1000 * outcome.cpu_s / max(1, outcome.plans), 1),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.departures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--sessions", type=Path, nargs="+", required=True, help="ACN-Data sessions (CSV, may be gzipped)"
    )
    parser.add_argument(
        "--from", dest="from_", required=True, help="YYYY-MM-DD; what ended before is there to learn from"
    )
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--weeks", type=int, default=1, help="so many weeks, `days` of each")
    parser.add_argument("--tariff", type=Path, required=True, help="a schedule of acnportal's format (JSON)")
    parser.add_argument("--cap-kw", type=float, default=50.0, help="what the garage may draw [kW]")
    parser.add_argument("--time-limit", type=float, default=0.5, help="wall clock of the solver per plan [s]")
    parser.add_argument(
        "--views", nargs="+", choices=sorted(VIEWS), default=list(VIEWS), help="savings are against the first of them"
    )
    parser.add_argument("--json", action="store_true", help="on several lines, for programs")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
