from decimal import Decimal

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.money import Money


def test_money_is_rounded_once_half_away_from_zero() -> None:
    total = Money(Decimal("0.004"), "EUR") + Money(Decimal("0.001"), "EUR")
    assert str(total) == "0.01 EUR"
    assert Money(Decimal("-2.345"), "EUR").rounded().amount == Decimal("-2.35")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(InvalidInput, match="currency"):
        Money(Decimal(1), "EUR") + Money(Decimal(1), "USD")
