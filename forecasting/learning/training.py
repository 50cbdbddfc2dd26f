"""Who serves: what was just trained, against the simple forecast and the model that serves now, on the same held-out days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite

from cpms.domain.forecast_record import ForecastModel
from forecasting.learning.contest import Standing

CHALLENGER, FLOOR, INCUMBENT = "new", "simple", "serving"
MIN_SCORED = 100


def promote(challenger: ForecastModel, standings: Mapping[str, Standing]) -> ForecastModel:
    """`challenger` with its scores, in service or not, and why in words. A worse model is not put in service, and keeps no text.

    `standings`: of CHALLENGER, FLOOR and, where a model serves, INCUMBENT.
    """
    new, floor = standings[CHALLENGER], standings[FLOOR]
    better, why = _verdict(new, floor, standings.get(INCUMBENT))
    return replace(
        challenger,
        text=challenger.text if better else "",
        crps=new.crps if isfinite(new.crps) else None,
        floor_crps=floor.crps if isfinite(floor.crps) else None,
        scored=new.count,
        in_service=better,
        why=why,
    )


def _verdict(new: Standing, floor: Standing, incumbent: Standing | None) -> tuple[bool, str]:
    if new.count < MIN_SCORED:
        return False, f"only {new.count} forecasts could be scored, {MIN_SCORED} are needed"
    if not new.crps < floor.crps:
        return False, f"the simple forecast is better: crps {floor.crps:.4g} against {new.crps:.4g}"
    if incumbent is not None and new.crps > incumbent.crps:
        return False, f"the model in service is better: crps {incumbent.crps:.4g} against {new.crps:.4g}"
    rest = "" if incumbent is None else f", the model before {incumbent.crps:.4g}"
    return True, f"crps {new.crps:.4g}, the simple forecast {floor.crps:.4g}{rest}"
