from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.reasons import in_words
from cpms.domain.binding import BindingLimit
from cpms.domain.site import Feeder, Site
from cpms.domain.units import Phase

SITE = Site("s", "S", "Europe/Amsterdam", "EUR", (Feeder("grid", 100), Feeder("north", 63, "grid")))
AT = datetime(2026, 7, 15, 16, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (
            BindingLimit(0, "grid", Phase.L1, 100, "A", 0.12, "installation"),
            "grid connection limits L1 to 100 A at 18:15; one more kW would save 0.12 EUR",
        ),
        (
            BindingLimit(0, "grid", None, 60, "kW", 0.125, "grid connection"),
            "grid connection limits import to 60 kW (at 230 V, so that it holds at 253 V) at 18:15; one more kW would save 0.13 EUR",
        ),
        (
            BindingLimit(0, "north", None, 18.181818, "kW", 1.0, "maintenance"),
            "maintenance (feeder north) limits power to 18.2 kW (at 230 V, so that it holds at 253 V) at 18:15; "
            "one more kW would save 1.00 EUR",
        ),
        (
            BindingLimit(0, "north", Phase.L3, 63, "A", 0.0004),
            "feeder north limits L3 to 63 A at 18:15; one more kW would save less than 0.01 EUR",
        ),
    ],
)
def test_a_binding_limit_is_told_in_words(limit: BindingLimit, text: str) -> None:
    assert in_words(limit, SITE, AT) == text
