"""The edge of the series: one bad row in a batch would lose the batch, one NaN would poison every sum."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from cpms.domain.telemetry import Sample

OLDEST = timedelta(days=366)
NEWEST = timedelta(days=1)
"""A sample lies between a year before it was received (offline stations) and a day after it (clocks that are ahead)."""

_LARGEST_CONNECTOR_ID = 2**31 - 1


@dataclass(frozen=True)
class Quarantined:
    """A sample that cannot be stored as one, and why."""

    sample: Sample
    problem: str


def sort_out(samples: Iterable[Sample]) -> tuple[list[Sample], list[Quarantined]]:
    """What can be stored, and what goes to quarantine."""
    good: list[Sample] = []
    bad: list[Quarantined] = []
    for sample in samples:
        if (problem := problem_of(sample)) is None:
            good.append(sample)
        else:
            bad.append(Quarantined(sample, problem))
    return good, bad


def problem_of(sample: Sample) -> str | None:
    """Why a sample cannot be stored; None if it can."""
    for text in (sample.connector.station_id, sample.transaction_id):
        if text is not None and not is_storable(text):
            return f"text {text!r} has a NUL or a lone surrogate"
    if not 0 <= sample.connector.connector_id <= _LARGEST_CONNECTOR_ID:
        return f"connector {sample.connector.connector_id} cannot be one"
    return _problem_of_instants(sample) or _problem_of_numbers(sample)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold `text`: no NUL, nothing that UTF-8 cannot say."""
    return "\x00" not in text and (text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text))


def storable(text: str) -> str:
    """`text` with NUL and lone surrogates written as escapes."""
    return text if is_storable(text) else text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def _problem_of_instants(sample: Sample) -> str | None:
    instants = (sample.sampled_at, sample.received_at, sample.reported_at)
    if any(instant is not None and instant.tzinfo is None for instant in instants):
        return "an instant has no time zone"
    if not -OLDEST <= sample.sampled_at - sample.received_at <= NEWEST:
        return f"sampled at {sample.sampled_at.isoformat()}, out of range"
    return None


def _problem_of_numbers(sample: Sample) -> str | None:
    numbers = (
        sample.power_kw,
        sample.energy_kwh,
        sample.offered_a,
        sample.soc_pct,
        *sample.current_a,
        *sample.voltage_v,
    )
    if not all(number is None or math.isfinite(number) for number in numbers):
        return "a number is not finite"
    if sample.energy_kwh is not None and sample.energy_kwh < 0:
        return f"energy register {sample.energy_kwh} kWh is negative"
    if sample.soc_pct is not None and not 0 <= sample.soc_pct <= 100:
        return f"state of charge {sample.soc_pct} % cannot be"
    return None
