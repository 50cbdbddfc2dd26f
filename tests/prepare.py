"""What the tests need beyond the Python environment: `python -m tests.prepare`. Idempotent.

A step that this machine cannot do says why and is skipped, and so are its tests; what CPMS_REQUIRE_... asks for must be had.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tests import timescale
from tests.peers.ocpp_rpc import prepare as ocpp_rpc


@dataclass(frozen=True)
class Step:
    """`run` returns what it did, or raises CannotPrepare."""

    name: str
    run: Callable[[], str]
    required: bool


STEPS = (
    Step("TimescaleDB", timescale.install, required=timescale.REQUIRED),
    Step("the station by other authors", ocpp_rpc.prepare, required=os.environ.get("CPMS_REQUIRE_PEERS") == "1"),
)


def main() -> int:
    """Run every step; 1 if a required one failed."""
    failed = False
    for step in STEPS:
        try:
            print(f"prepare: {step.run()}")
        except timescale.CannotPrepare as reason:
            failed |= step.required
            print(f"prepare: {step.name} cannot be had here: {reason}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
