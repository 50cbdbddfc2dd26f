"""Day-ahead prices from the ENTSO-E Transparency Platform (RESTful API, document type A44, "Energy Prices" [12.1.D]).

An answer is a `Publication_MarketDocument` (IEC 62325-451-3). A point that is left out repeats the one before it (curve type A03).
Where a zone has several auctions a day, the first one's price counts. The platform allows 400 requests a minute and token.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree

import httpx

from cpms.domain.errors import InvalidInput
from cpms.domain.tariff import PriceInterval
from cpms.domain.time import Interval
from forecasting.weather.courtesy import Remembered

BASE_URL = "https://web-api.tp.entsoe.eu/api"
PAST, AHEAD = timedelta(days=1), timedelta(days=2)
RESOLUTIONS = {"PT15M": timedelta(minutes=15), "PT30M": timedelta(minutes=30), "PT60M": timedelta(hours=1)}
KWH_PER_MWH = Decimal(1000)
MOST_POINTS = 25 * 4
"""Quarter hours of the longest day; a longer period is no day-ahead price."""


class EntsoePrices:
    """Day-ahead prices by bidding zone (its EIC code, e.g. 10YNL----------L). `client` belongs to the caller, who closes it."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        token: str,
        base_url: str = BASE_URL,
        refresh: timedelta = timedelta(minutes=30),
        timeout_s: float = 10.0,
    ) -> None:
        self._client = client
        self._token = token
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._answers = Remembered("day-ahead prices", self._fetch, refresh)

    async def prices(self, zone_eic: str, now: datetime) -> tuple[PriceInterval, ...]:
        """What is published from yesterday on, in order of time [money/kWh]; the last known while the service fails, or nothing."""
        return await self._answers.get(zone_eic, now) or ()

    def problem(self, zone_eic: str) -> str:
        """Why the last ask for a zone failed."""
        return self._answers.problem(zone_eic)

    async def _fetch(self, zone_eic: str, now: datetime) -> tuple[PriceInterval, ...]:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        query = {
            "securityToken": self._token,
            "documentType": "A44",
            "in_Domain": zone_eic,
            "out_Domain": zone_eic,
            "periodStart": f"{midnight - PAST:%Y%m%d%H%M}",
            "periodEnd": f"{midnight + AHEAD:%Y%m%d%H%M}",
        }
        answer = await self._client.get(self._base_url, params=query, timeout=self._timeout_s)
        answer.raise_for_status()
        return read_entsoe(answer.text)


def read_entsoe(text: str) -> tuple[PriceInterval, ...]:
    """The prices [money/kWh] of a publication document, in order of time; InvalidInput where it is none, with its reason."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  expat refuses entities that grow without bound
    except ElementTree.ParseError as error:
        raise InvalidInput("document", f"is no XML ({error})", "ask for document type A44") from error
    if not root.tag.endswith("}Publication_MarketDocument"):
        reason = root.findtext("{*}Reason/{*}text", default=root.tag)
        raise InvalidInput("document", f"holds no prices: {reason}", "check the zone, the period and the token")
    series = sorted(root.iterfind("{*}TimeSeries"), key=_auction)
    prices: dict[datetime, PriceInterval] = {}
    for period in (period for one in series if _in_mwh(one) for period in one.iterfind("{*}Period")):
        for price in _period(period):
            prices.setdefault(price.interval.starts_at, price)
    return tuple(prices[starts_at] for starts_at in sorted(prices))


def _auction(series: ElementTree.Element) -> int:
    """Number of the auction of the day; one that has none is the first."""
    said = series.findtext("{*}classificationSequence_AttributeInstanceComponent.position", default="1")
    return int(said) if said.isdecimal() else 1


def _in_mwh(series: ElementTree.Element) -> bool:
    unit = series.findtext("{*}price_Measure_Unit.name", default="MWH")
    if unit != "MWH":
        raise InvalidInput("price_Measure_Unit.name", f"{unit!r} is not MWH", "ask for document type A44")
    return True


def _period(period: ElementTree.Element) -> Iterator[PriceInterval]:
    starts_at, ends_at = (_instant(period, f"{{*}}timeInterval/{{*}}{end}") for end in ("start", "end"))
    step = RESOLUTIONS.get(period.findtext("{*}resolution", default=""))
    if step is None or not 0 < (ends_at - starts_at) // step <= MOST_POINTS:
        raise InvalidInput(
            "Period", f"{starts_at} to {ends_at} in steps of {step}", f"use one of {sorted(RESOLUTIONS)}"
        )
    said = dict(_point(point) for point in period.iterfind("{*}Point"))
    price: Decimal | None = None
    for position in range(1, (ends_at - starts_at) // step + 1):
        price = said.get(position, price)
        if price is not None:
            begins_at = starts_at + (position - 1) * step
            yield PriceInterval(Interval(begins_at, begins_at + step), price, price)


def _point(point: ElementTree.Element) -> tuple[int, Decimal]:
    position, amount = (point.findtext(f"{{*}}{name}", default="") for name in ("position", "price.amount"))
    try:
        price = Decimal(amount)
        if not (position.isdecimal() and price.is_finite()):
            raise InvalidOperation
    except InvalidOperation as error:
        raise InvalidInput("Point", f"{position!r}, {amount!r} is no position and price", "give both") from error
    return int(position), price / KWH_PER_MWH


def _instant(period: ElementTree.Element, path: str) -> datetime:
    said = period.findtext(path, default="")
    try:
        instant = datetime.fromisoformat(said)
    except ValueError as error:
        raise InvalidInput("timeInterval", f"{said!r} is no instant", "write 2026-06-14T22:00Z") from error
    return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
