"""What the sky is expected to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cpms.domain.errors import InvalidInput
from cpms.domain.time import require_aware

MAX_AGE = timedelta(hours=18)
"""Older than this a forecast says less about clouds than the array's own last hours."""


@dataclass(frozen=True)
class WeatherForecast:
    """Point values at ascending instants `valid_at`: global horizontal irradiance [W/m2] and air temperature [degC].

    `issued_at`: when the weather service computed it; nobody may have used it earlier.
    """

    issued_at: datetime
    valid_at: tuple[datetime, ...]
    global_w_m2: tuple[float, ...]
    air_c: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.valid_at) == len(self.global_w_m2) == len(self.air_c):
            raise InvalidInput("valid_at", "has another length than the values", "give one value of each per instant")
        if any(later <= earlier for earlier, later in zip(self.valid_at, self.valid_at[1:], strict=False)):
            raise InvalidInput("valid_at", "does not ascend", "sort the instants and leave out repeated ones")
        for instant in (self.issued_at, *self.valid_at[:1]):
            require_aware(instant, "valid_at")

    def usable_at(self, now: datetime) -> bool:
        """Whether it was known at `now` and is not too old."""
        return bool(self.valid_at) and self.issued_at <= now <= self.issued_at + MAX_AGE
