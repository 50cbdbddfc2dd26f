"""A site's load model: how its forecasts came out before, which corrects the next ones' bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from cpms.domain.forecast import Forecast
from cpms.domain.forecast_record import ForecastModel, ModelKind
from cpms.domain.time import Interval
from forecasting.calendar import PLAIN, Calendar
from forecasting.learning.conformal import Past
from forecasting.learning.contest import CONTEST_LEVELS, HELD_OUT, Issue, compete
from forecasting.learning.spread import Spread
from forecasting.learning.stored import pack, unpack
from forecasting.learning.training import CHALLENGER, FLOOR, INCUMBENT, promote
from forecasting.load.backtest import review_load
from forecasting.load.levels import Pasts, forecast_other_load
from forecasting.series import Measurement

SEEN = timedelta(days=56)
"""What a forecast looks back on."""

WINDOW = timedelta(days=56) + SEEN + HELD_OUT
MIN_POSITIONS = 100


def train_site_load(
    site_id: str,
    timezone: str,
    measured: Sequence[Measurement],
    now: datetime,
    incumbent: ForecastModel | None,
    calendar: Calendar = PLAIN,
) -> ForecastModel | None:
    """A correction learned from `measured` (means of quarter hours [kW] stamped in their middle, oldest first), scored over
    the last days; None where there is too little to learn from. `calendar`: the site's holidays, as it will be served with."""

    def contender(past: Pasts | None) -> Issue:
        return _corrected(site_id, timezone, past, calendar)

    until = now - HELD_OUT
    recent = [entry for entry in measured if entry[0] >= now - WINDOW]
    known = [entry for entry in recent if entry[0] < until]
    past = review_load(known, timezone, until, calendar)
    if sum(len(one.positions) for kinds in past for one in kinds) < MIN_POSITIONS:
        return None
    contenders = {CHALLENGER: contender(past), FLOOR: contender(None)}
    if incumbent is not None:
        contenders[INCUMBENT] = contender(read_load(incumbent.text))
    trained = ForecastModel(
        site_id=site_id,
        kind=ModelKind.LOAD,
        version=0,
        trained_at=now,
        data_from=known[0][0],
        data_until=until,
        rows=len(known),
        text=write_load(past),
    )
    return promote(trained, compete(contenders, recent, SEEN, now))


def write_load(pasts: Pasts) -> str:
    """The correction as text."""
    return pack({"leads": [[_plain(past) for past in kinds] for kinds in pasts]})


@lru_cache(maxsize=64)
def read_load(text: str) -> Pasts:
    """The correction from a stored text; InvalidInput if another version made it."""
    return tuple((_past(idle), _past(drawing)) for idle, drawing in unpack(text)["leads"])


def _past(plain: Mapping[str, Any]) -> Past:
    return Past(np.array(plain["positions"]), np.array(plain["weights"]), Spread(*plain["spread"]))


def _plain(past: Past) -> dict[str, object]:
    return {
        "positions": np.round(past.positions, 4).tolist(),
        "weights": past.weights.tolist(),
        "spread": [past.spread.below, past.spread.above],
    }


def _corrected(site_id: str, timezone: str, past: Pasts | None, calendar: Calendar) -> Issue:
    def issue(known: Sequence[Measurement], intervals: Sequence[Interval], at: datetime) -> Forecast:
        return forecast_other_load(
            site_id, timezone, known, intervals, at, CONTEST_LEVELS, past=past, calendar=calendar
        )

    return issue
