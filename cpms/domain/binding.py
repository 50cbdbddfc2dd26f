"""What holds a plan back, and what no plan could keep."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from cpms.domain.units import Phase


class Direction(enum.Enum):
    """Which way a limit holds power back."""

    IMPORT = "import"
    EXPORT = "export"


@dataclass(frozen=True)
class BindingLimit:
    """A limit that holds the plan back in a step: one more kW there would save `shadow_price_per_kw` money, one more kWh
    `shadow_price_per_kwh`.

    `phase` is None for limits in kW.
    """

    step: int
    feeder_id: str
    phase: Phase | None
    limit: float
    unit: str
    shadow_price_per_kw: float
    reason: str = ""
    direction: Direction = Direction.IMPORT
    shadow_price_per_kwh: float = 0.0


@dataclass(frozen=True)
class RelaxedLimit:
    """A limit that could not be kept by any plan (other load alone exceeds it, say), and by how much; `direction`: of import or
    export."""

    step: int
    feeder_id: str
    phase: Phase | None
    excess: float
    unit: str
    direction: Direction = Direction.IMPORT
