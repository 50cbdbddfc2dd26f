"""What anything that stores energy holds: the one balance that vehicles and stationary batteries share."""

from __future__ import annotations

from optimizer.model.topic import linear

Parts = list[tuple[float, object]]


def carried_over(after: object, before: object | None, first_kwh: float, hours: float, net: Parts) -> object:
    """after = before + hours * net [kWh], `net` [kW] as pairs of a coefficient and a variable; `before` None: `first_kwh` [kWh]."""
    parts = [(1.0, after), *((-hours * coefficient, variable) for coefficient, variable in net)]
    if before is None:
        return linear(parts) == first_kwh
    return linear([*parts, (-1.0, before)]) == 0.0
