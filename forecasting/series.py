"""Measured values as arrays on a regular grid of UTC time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from cpms.domain.errors import InvalidInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Measurement = tuple[datetime, float]
"""Instant and mean power [kW] from it on."""

HOUR_S = 3600
DAY_S = 86400


@dataclass(frozen=True)
class Series:
    """Means per step of `step_s` [s]: `values[i]` [kW] in `[epochs_s[i], epochs_s[i] + step_s)`. Only steps with data."""

    epochs_s: Ints
    values: Floats
    step_s: int

    def __len__(self) -> int:
        return len(self.epochs_s)


def resample(history: Sequence[Measurement], until: datetime, step_s: int, window_s: int) -> Series:
    """Means per step of the measurements in the `window_s` [s] before `until`; NaN and later ones are left out."""
    stamps = np.array([instant.timestamp() for instant, _ in history], dtype=np.float64)
    values = np.array([value for _, value in history], dtype=np.float64)
    now_s = until.timestamp()
    keep = np.isfinite(values) & (stamps < now_s) & (stamps >= now_s - window_s)
    epochs_s, position = np.unique(stamps[keep].astype(np.int64) // step_s * step_s, return_inverse=True)
    sums = np.bincount(position, weights=values[keep], minlength=len(epochs_s))
    counts = np.bincount(position, minlength=len(epochs_s))
    return Series(epochs_s, sums / np.maximum(counts, 1), step_s)


def zone_of(timezone: str) -> ZoneInfo:
    """The IANA zone; InvalidInput if there is none of that name."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidInput("timezone", f"{timezone!r} is not known", "give an IANA name, e.g. Europe/Berlin") from error


def local_seconds(epochs_s: Ints, zone: ZoneInfo) -> Ints:
    """Seconds of the local wall clock since its own 1970-01-01 (a Thursday), for UTC `epochs_s` [s].

    The offset is looked up once per UTC day, and on days on which it changes once per quarter of an hour, the finest at which any
    zone does.
    """
    days, position = np.unique(epochs_s // DAY_S, return_inverse=True)
    first_s, last_s = (_offsets_s(days * DAY_S + begin_s, zone) for begin_s in (0, DAY_S - 1))
    offsets_s = first_s[position]
    change = np.flatnonzero((first_s != last_s)[position])
    offsets_s[change] = _offsets_s(epochs_s[change] // 900 * 900, zone)
    return epochs_s + offsets_s


def _offsets_s(epochs_s: Ints, zone: ZoneInfo) -> Ints:
    offsets = [datetime.fromtimestamp(int(epoch_s), zone).utcoffset() for epoch_s in epochs_s]
    return np.array([0 if o is None else round(o.total_seconds()) for o in offsets], dtype=np.int64)
