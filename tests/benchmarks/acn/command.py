"""What the commands on a real garage have in common: their arguments and how they report."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cpms.domain.errors import InvalidInput

Report = dict[str, object]


def parser_of(name: str, description: str | None) -> argparse.ArgumentParser:
    """The arguments every command takes."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.benchmarks.{name}", description=description)
    parser.add_argument("--sessions", type=Path, required=True, help="ACN-Data sessions (CSV, may be gzipped)")
    parser.add_argument("--site", default="caltech", help="one that acnportal knows")
    parser.add_argument("--cap-kw", type=float, help="the transformer's [kW]; default: the site's")
    parser.add_argument("--json", action="store_true")
    return parser


def add_reality(parser: argparse.ArgumentParser) -> None:
    """How stations and batteries differ from ideal ones, and what a kWh is sold for."""
    parser.add_argument("--real-stations", action="store_true", help="with the currents the site's stations know")
    parser.add_argument("--tapering", action="store_true", help="batteries that accept less and less from 80 %% on")
    parser.add_argument("--sells-per-kwh", type=float, default=0.30, help="revenue, for the profit")


def report_of(
    run: Callable[[argparse.Namespace], Report],
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None = None,
) -> int:
    """Print what `run` finds as one JSON object (or lines for people); 2 where the input is bad."""
    given = parser.parse_args(arguments)
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


def rounded(figures: dict[str, float]) -> dict[str, float]:
    """To the cent, percentages of energy finer."""
    return {name: round(value, 4 if name == "delivered_pct" else 2) for name, value in figures.items()}
