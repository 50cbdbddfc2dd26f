"""What is kept of forecasting: trained models, single statements about the future, and how these came out."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from cpms.domain.forecast import ForecastQuantity


class ModelKind(enum.Enum):
    """What a trained model is about."""

    SOLAR = "solar"
    LOAD = "load"
    SESSIONS = "sessions"


@dataclass(frozen=True)
class ForecastModel:
    """A model as it was trained, in service or not.

    `version` counts the trainings of a site and kind from 1. Data window `[data_from, data_until)`, of which `rows` were
    used; `notes`: what was left out. `crps`, `floor_crps`: mean scores over the same `scored` forecasts of held-out days,
    the model's and the simple forecast's, in the quantity's unit; None where nothing could be scored. `why`: it serves,
    or does not. `text`: what its kind reads back; empty once it no longer serves.
    """

    site_id: str
    kind: ModelKind
    version: int
    trained_at: datetime
    data_from: datetime
    data_until: datetime
    rows: int
    text: str
    crps: float | None = None
    floor_crps: float | None = None
    scored: int = 0
    in_service: bool = False
    why: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForecastPoint:
    """One value as it was expected: at `issued_at`, of the step that begins at `valid_at`, `horizon_s` [s] later.

    Of a session (`session_id`): `valid_at` is its start, `horizon_s` how long it had lasted. Of the rest of a day (arrivals) or of
    a month (its peak): `valid_at` is its end, `horizon_s` how much of it was left, of a month in whole weeks. `values` and
    `floor_values`: quantiles at `levels`, those that served and those of the simple forecast. `model_version` 0: the simple one
    served.
    """

    site_id: str
    quantity: ForecastQuantity
    issued_at: datetime
    valid_at: datetime
    horizon_s: int
    levels: tuple[float, ...]
    values: tuple[float, ...]
    floor_values: tuple[float, ...]
    model_version: int = 0
    session_id: str = ""


@dataclass(frozen=True)
class ForecastScore:
    """How forecasts of one quantity and horizon came out in `[data_from, data_until)`, as known at `scored_at`.

    rmse, mean_error (expected minus actual), pinball (mean over the levels), crps and width_80 are in the quantity's
    unit; `nrmse` is rmse over the largest actual value; `skill` is 1 - rmse / floor's rmse; `coverage_80` a share. `note`:
    a drift, in words.
    """

    site_id: str
    quantity: ForecastQuantity
    horizon_s: int
    scored_at: datetime
    data_from: datetime
    data_until: datetime
    count: int
    rmse: float
    nrmse: float | None
    mean_error: float
    skill: float | None
    pinball: float
    crps: float
    floor_crps: float
    coverage_80: float
    width_80: float
    note: str = ""
