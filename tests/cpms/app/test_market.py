"""Day-ahead prices from a recorded platform into a real database, and on to those whose tariffs follow the market."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from cpms.app.market import MarketWatch, known_prices, tariff_in_force
from cpms.domain.tariff import DayAhead, Tariff
from cpms.domain.time import ManualClock
from data.store import Store
from forecasting.prices.entsoe import EntsoePrices
from forecasting.prices.port import FilePrices, PriceService
from tests.cpms.app.past import NOW, SITE, build
from tests.forecasting.prices.test_entsoe import NL, document, series
from tests.forecasting.services import service

FOLLOWS = Tariff(
    "spot", "EUR", "Europe/Berlin", Decimal("0.30"),
    day_ahead=DayAhead(NL, Decimal("1.21"), Decimal("0.10"), Decimal(1), Decimal("-0.01")),
)  # fmt: skip
FLAT = Tariff("flat", "EUR", "Europe/Berlin", Decimal("0.30"))


def published(euros_per_mwh: str) -> bytes:
    return document(series([(1, euros_per_mwh)], start="2026-06-14T22:00Z", end="2026-06-15T22:00Z")).encode()


@pytest.fixture
async def store(embedded_dsn: str) -> AsyncIterator[Store]:
    async with Store.open(embedded_dsn) as opened:
        await build(opened)
        await opened.put_site(replace(SITE, id="flat"))
        await opened.put_tariff("office", FOLLOWS)
        await opened.put_tariff("flat", FLAT)
        yield opened


@pytest.fixture
def told() -> list[str]:
    return []


def watch(store: Store, prices: PriceService, told: list[str]) -> MarketWatch:
    async def tell(site_id: str) -> None:
        told.append(site_id)

    return MarketWatch(store, prices, lambda: ("office", "flat"), tell, ManualClock(NOW), 900.0)


async def test_prices_are_kept_and_only_those_are_told_whose_tariff_follows_the_market(
    store: Store, told: list[str]
) -> None:
    async with service((200, published("80"))) as (url, requests), httpx.AsyncClient() as client:
        watching = watch(store, EntsoePrices(client, "secret", url), told)
        await watching.round()
        await watching.round()
    assert told == ["office"]
    assert len(requests) == 1
    assert watching.detail == f"{NL}: known until 2026-06-15 22:00 UTC"
    tariff = await tariff_in_force(store, "office", NOW)
    assert tariff is not None
    assert tariff.import_price_per_kwh(NOW) == Decimal("0.08") * Decimal("1.21") + Decimal("0.10")
    assert tariff.export_price_per_kwh_at(NOW) == Decimal("0.07")
    assert tariff.import_price_per_kwh(NOW + timedelta(days=1)) == Decimal("0.30")
    assert await tariff_in_force(store, "flat", NOW) == FLAT


async def test_a_price_that_is_corrected_is_told_again_and_what_was_known_before_stays_known(
    store: Store, told: list[str]
) -> None:
    answers = (200, published("80")), (200, published("95"))
    async with service(*answers) as (url, _), httpx.AsyncClient() as client:
        watching = watch(store, EntsoePrices(client, "secret", url), told)
        await watching.round()
        watching.clock.advance(3600)
        await watching.round()
    assert told == ["office", "office"]
    before, after = [await known_prices(store, FOLLOWS, NOW + timedelta(minutes=m)) for m in (59, 60)]
    assert {one.import_price_per_kwh for one in before} == {Decimal("0.08")}
    assert {one.import_price_per_kwh for one in after} == {Decimal("0.095")}


async def test_a_platform_that_refuses_the_token_is_seen_and_what_was_known_stays(
    store: Store, told: list[str]
) -> None:
    answers = (200, published("80")), (401, b"")
    async with service(*answers) as (url, _), httpx.AsyncClient() as client:
        watching = watch(store, EntsoePrices(client, "secret", url), told)
        await watching.round()
        watching.clock.advance(3600)
        await watching.round()
    assert watching.detail == f"{NL}: known until 2026-06-15 22:00 UTC (HTTPStatusError status 401)"
    assert watching.counters["zones_in_trouble"] == 1
    assert "secret" not in watching.detail
    tariff = await tariff_in_force(store, "office", watching.clock.now())
    assert tariff is not None
    assert tariff.import_price_per_kwh(NOW) < Decimal("0.30")


async def test_a_platform_that_never_answered_leaves_the_tariffs_own_price(store: Store, told: list[str]) -> None:
    async with service((503, b"")) as (url, _), httpx.AsyncClient() as client:
        watching = watch(store, EntsoePrices(client, "secret", url), told)
        await watching.round()
    assert told == []
    assert watching.detail == f"{NL}: nothing is known (HTTPStatusError status 503)"
    assert await tariff_in_force(store, "office", NOW) == FOLLOWS


async def test_prices_of_a_file_follow_the_file(store: Store, told: list[str], tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    header = "MTU (CET/CEST),Day-ahead Price [EUR/MWh]\n"
    path.write_text(header + "15.06.2026 09:00 - 15.06.2026 10:00,55\n")
    watching = watch(store, FilePrices(path), told)
    await watching.round()
    path.write_text(header + "15.06.2026 09:00 - 15.06.2026 10:00,cheap\n")
    await watching.round()
    assert told == ["office"]
    assert "'cheap' is no price" in watching.detail
    tariff = await tariff_in_force(store, "office", NOW)
    assert tariff is not None
    assert tariff.export_price_per_kwh_at(NOW) == Decimal("0.045")


async def test_without_a_source_nobody_is_asked(store: Store, told: list[str]) -> None:
    watching = MarketWatch(store, None, lambda: ("office",), told.append, ManualClock(NOW), 900.0)  # type: ignore[arg-type]
    await watching.round()
    assert (watching.detail, told) == ("", [])
