"""Forecast quality: `python -m tests.benchmarks.forecast QUANTITY --json` prints one JSON object.

QUANTITY: solar, sessions, arrivals, load, prices, carbon, value (what forecasts are worth) or set (what they cost).
Every figure comes from forecasts that knew nothing after their issue; baselines are computed in the same run. `promises` says what
was promised of a quantity and whether the figures keep it.
"""

from __future__ import annotations

import argparse
import json
import sys

from cpms.domain.errors import InvalidInput
from tests.benchmarks import (
    forecast_arrivals,
    forecast_carbon,
    forecast_load,
    forecast_prices,
    forecast_sessions,
    forecast_set,
    forecast_solar,
    forecast_value,
    promises,
)

COMMANDS = {
    "solar": forecast_solar,
    "sessions": forecast_sessions,
    "load": forecast_load,
    "arrivals": forecast_arrivals,
    "prices": forecast_prices,
    "carbon": forecast_carbon,
    "value": forecast_value,
    "set": forecast_set,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.forecast", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, description=module.__doc__)
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="one line instead of an indented object")
    arguments = parser.parse_args()
    try:
        figures = COMMANDS[arguments.command].run(arguments)
    except (InvalidInput, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps({**figures, "promises": promises.of(figures)}, indent=None if arguments.json else 2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
