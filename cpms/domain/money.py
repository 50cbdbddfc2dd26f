"""Money: Decimal with a currency, rounded once, here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from cpms.domain.errors import InvalidInput


@dataclass(frozen=True)
class Money:
    """An exact amount in one currency (ISO 4217)."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise InvalidInput("currency", f"{other.currency} cannot be added to {self.currency}", "convert first")
        return Money(self.amount + other.amount, self.currency)

    def rounded(self) -> Money:
        """To whole cents, half away from zero: the only place where money is rounded."""
        return Money(self.amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP), self.currency)

    def __str__(self) -> str:
        return f"{self.rounded().amount} {self.currency}"
