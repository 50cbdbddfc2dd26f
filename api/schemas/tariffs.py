"""Tariffs: prices per kWh over time and demand charges, as exact decimals (strings in answers)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import time
from decimal import Decimal
from itertools import pairwise
from typing import Annotated
from uuid import uuid4

from pydantic import Field

from api.schemas.common import Body, Id, Instant, PowerKw, Timezone
from cpms.domain.errors import InvalidInput
from cpms.domain.site import Site
from cpms.domain.tariff import (
    BillingPeriod,
    CapacitySubscription,
    DayAhead,
    DemandCharge,
    PriceInterval,
    Tariff,
    TimeOfUseBand,
)
from cpms.domain.time import Interval

Price = Annotated[
    Decimal, Field(ge=-1_000_000, le=1_000_000, max_digits=40, description="Money per unit", examples=["0.2487"])
]


class BandBody(Body):
    """A price at site-local times of day `[starts, ends)`; `ends` at or before `starts` runs over midnight."""

    import_price_per_kwh: Price
    starts: time = time(0)
    ends: time = time(0)
    weekdays: list[Annotated[int, Field(ge=0, le=6)]] = Field(
        default_factory=lambda: list(range(7)), description="0 is Monday", min_length=1, max_length=7
    )
    months: list[Annotated[int, Field(ge=1, le=12)]] = Field(
        default_factory=lambda: list(range(1, 13)), min_length=1, max_length=12
    )

    def to_domain(self, name: str) -> TimeOfUseBand:
        """The band; InvalidInput under `name` for times with a zone."""
        if self.starts.tzinfo is not None or self.ends.tzinfo is not None:
            raise InvalidInput(f"{name}.starts", "carries a zone", "give site-local times like 18:00")
        return TimeOfUseBand(
            self.import_price_per_kwh, self.starts, self.ends, frozenset(self.weekdays), frozenset(self.months)
        )

    @classmethod
    def of(cls, band: TimeOfUseBand) -> BandBody:
        """A stored band."""
        return cls(
            import_price_per_kwh=band.import_price_per_kwh,
            starts=band.starts,
            ends=band.ends,
            weekdays=sorted(band.weekdays),
            months=sorted(band.months),
        )


class PriceIntervalBody(Body):
    """A published price (day-ahead) while `[starts_at, ends_at)`."""

    starts_at: Instant
    ends_at: Instant
    import_price_per_kwh: Price
    export_price_per_kwh: Price = Decimal(0)

    def to_domain(self, name: str) -> PriceInterval:
        """The interval; InvalidInput under `name` where it ends before it starts."""
        if self.ends_at <= self.starts_at:
            raise InvalidInput(f"{name}.ends_at", "is not after starts_at", "give a later instant")
        return PriceInterval(
            Interval(self.starts_at, self.ends_at), self.import_price_per_kwh, self.export_price_per_kwh
        )

    @classmethod
    def of(cls, price: PriceInterval) -> PriceIntervalBody:
        """A stored interval."""
        return cls(
            starts_at=price.interval.starts_at,
            ends_at=price.interval.ends_at,
            import_price_per_kwh=price.import_price_per_kwh,
            export_price_per_kwh=price.export_price_per_kwh,
        )


class DemandChargeBody(Body):
    """Price per kW of the highest mean import over any `window_s` in the billing period, within `band` if there is one."""

    price_per_kw: Price
    period: BillingPeriod = BillingPeriod.MONTH
    window_s: int = Field(900, ge=60, le=3600, description="Divides an hour")
    band: BandBody | None = None

    def to_domain(self, name: str) -> DemandCharge:
        """The charge; InvalidInput under `name` for windows that do not divide an hour."""
        if 3600 % self.window_s:
            raise InvalidInput(f"{name}.window_s", f"{self.window_s} does not divide an hour", "give 900, say")
        if self.price_per_kw < 0:
            raise InvalidInput(f"{name}.price_per_kw", "is below 0", "give 0 or more")
        band = None if self.band is None else self.band.to_domain(f"{name}.band")
        return DemandCharge(self.price_per_kw, self.period, self.window_s, band)

    @classmethod
    def of(cls, charge: DemandCharge) -> DemandChargeBody:
        """A stored charge."""
        return cls(
            price_per_kw=charge.price_per_kw,
            period=charge.period,
            window_s=charge.window_s,
            band=None if charge.band is None else BandBody.of(charge.band),
        )


class DayAheadBody(Body):
    """Follow the day-ahead market of a bidding zone, per kWh: a factor times the market's price, and a surcharge."""

    zone: str = Field(
        description="EIC code of the bidding zone", examples=["10YNL----------L"], pattern=r"^[A-Z0-9-]{16}$"
    )
    import_factor: Price = Decimal(1)
    import_surcharge_per_kwh: Price = Decimal(0)
    export_factor: Price = Decimal(0)
    export_surcharge_per_kwh: Price = Decimal(0)

    def to_domain(self) -> DayAhead:
        """How prices follow the market."""
        return DayAhead(**self.model_dump())

    @classmethod
    def of(cls, follows: DayAhead) -> DayAheadBody:
        """As stored."""
        return cls(**asdict(follows))


class SubscriptionBody(Body):
    """Import above `subscribed_kw` costs `fee_per_kwh` for every kWh above, besides its price, within `band` if there is one."""

    subscribed_kw: PowerKw
    fee_per_kwh: Price
    band: BandBody | None = None

    def to_domain(self, name: str) -> CapacitySubscription:
        """The subscription; InvalidInput under `name` for a fee below 0."""
        if self.fee_per_kwh < 0:
            raise InvalidInput(f"{name}.fee_per_kwh", "is below 0", "give 0 or more")
        band = None if self.band is None else self.band.to_domain(f"{name}.band")
        return CapacitySubscription(self.subscribed_kw, self.fee_per_kwh, band)

    @classmethod
    def of(cls, one: CapacitySubscription) -> SubscriptionBody:
        """A stored subscription."""
        band = None if one.band is None else BandBody.of(one.band)
        return cls(subscribed_kw=one.subscribed_kw, fee_per_kwh=one.fee_per_kwh, band=band)


class TariffBody(Body):
    """A site's tariff. Published intervals win over bands, the first matching band wins over the flat price; bands and the flat price
    also hold where the market that `day_ahead` follows has published nothing and nothing is forecast."""

    id: Id | None = None
    currency: str = Field(description="The site's", examples=["EUR"], min_length=3, max_length=3)
    timezone: Timezone | None = Field(None, description="Of the bands and billing periods; default: the site's")
    flat_price_per_kwh: Price = Decimal(0)
    export_price_per_kwh: Price = Decimal(0)
    bands: list[BandBody] = Field(default_factory=list, max_length=1000)
    intervals: list[PriceIntervalBody] = Field(default_factory=list, max_length=20_000)
    demand_charges: list[DemandChargeBody] = Field(default_factory=list, max_length=100)
    day_ahead: DayAheadBody | None = None
    subscriptions: list[SubscriptionBody] = Field(default_factory=list, max_length=100)

    def to_domain(self, site: Site) -> Tariff:
        """The tariff of `site`; InvalidInput where it is in another currency or contradicts itself."""
        if self.currency != site.currency:
            raise InvalidInput("currency", f"{self.currency} is not the site's", f"use {site.currency}")
        tariff = Tariff(
            id=self.id or uuid4().hex,
            currency=self.currency,
            timezone=self.timezone or site.timezone,
            flat_price_per_kwh=self.flat_price_per_kwh,
            export_price_per_kwh=self.export_price_per_kwh,
            bands=tuple(band.to_domain(f"bands[{i}]") for i, band in enumerate(self.bands)),
            intervals=tuple(price.to_domain(f"intervals[{i}]") for i, price in enumerate(self.intervals)),
            demand_charges=tuple(c.to_domain(f"demand_charges[{i}]") for i, c in enumerate(self.demand_charges)),
            day_ahead=None if self.day_ahead is None else self.day_ahead.to_domain(),
            subscriptions=tuple(one.to_domain(f"subscriptions[{i}]") for i, one in enumerate(self.subscriptions)),
        )
        for earlier, later in pairwise(tariff.intervals):
            if later.interval.starts_at < earlier.interval.ends_at:
                raise InvalidInput(
                    "intervals", f"overlap at {later.interval.starts_at.isoformat()}", "give one price per instant"
                )
        return tariff

    @classmethod
    def of(cls, tariff: Tariff) -> TariffBody:
        """A stored tariff."""
        return cls(
            id=tariff.id,
            currency=tariff.currency,
            timezone=tariff.timezone,
            flat_price_per_kwh=tariff.flat_price_per_kwh,
            export_price_per_kwh=tariff.export_price_per_kwh,
            bands=[BandBody.of(band) for band in tariff.bands],
            intervals=[PriceIntervalBody.of(price) for price in tariff.intervals],
            demand_charges=[DemandChargeBody.of(charge) for charge in tariff.demand_charges],
            day_ahead=None if tariff.day_ahead is None else DayAheadBody.of(tariff.day_ahead),
            subscriptions=[SubscriptionBody.of(one) for one in tariff.subscriptions],
        )
