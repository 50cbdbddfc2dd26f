from __future__ import annotations

import math
from datetime import time, timedelta
from decimal import Decimal

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.tariff import DemandCharge, PriceInterval, Tariff, TimeOfUseBand
from cpms.domain.time import Interval
from data.codec import from_json, to_json
from tests.data.examples import NOW

HOUR = Interval(NOW, NOW + timedelta(hours=1))


def test_a_tariff_comes_back_exact_to_the_last_decimal() -> None:
    band = TimeOfUseBand(Decimal("0.1234567890123456789"), time(7), time(22), frozenset({0, 4}))
    tariff = Tariff(
        "t", "EUR", "Europe/Amsterdam", Decimal("0.30"), Decimal("-0.01"), (band,), (PriceInterval(HOUR, Decimal("0.1")),),
        (DemandCharge(Decimal(12), band=band),),
    )  # fmt: skip
    read = from_json(Tariff, to_json(tariff))
    assert read == tariff
    assert read.import_price_per_kwh(NOW) == Decimal("0.1")


def test_what_could_not_be_read_back_is_refused_when_written() -> None:
    poisoned = Forecast("depot", ForecastQuantity.SOLAR_KW, NOW, (HOUR,), (0.5,), ((math.nan,),))
    with pytest.raises(InvalidInput, match="Forecast"):
        to_json(poisoned)


def test_stored_text_that_is_something_else_is_a_clear_error() -> None:
    with pytest.raises(InvalidInput, match="Tariff"):
        from_json(Tariff, '{"id": 1}')
