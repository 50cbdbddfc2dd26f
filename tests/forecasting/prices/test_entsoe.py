from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from cpms.domain.errors import InvalidInput
from forecasting.prices.entsoe import EntsoePrices, read_entsoe
from tests.forecasting.services import service

NOW = datetime(2026, 6, 15, 6, tzinfo=UTC)
NL = "10YNL----------L"
NAMESPACE = "urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"


def series(points, resolution="PT60M", start="2026-06-14T22:00Z", end="2026-06-15T22:00Z", auction=None, unit="MWH"):
    """A series as the platform writes it, of (position, amount) pairs."""
    told = "".join(
        f"<Point><position>{position}</position><price.amount>{amount}</price.amount></Point>"
        for position, amount in points
    )
    name = "classificationSequence_AttributeInstanceComponent.position"
    order = "" if auction is None else f"<{name}>{auction}</{name}>"
    return (
        f"<TimeSeries><mRID>1</mRID><businessType>A62</businessType>{order}<currency_Unit.name>EUR</currency_Unit.name>"
        f"<price_Measure_Unit.name>{unit}</price_Measure_Unit.name><curveType>A03</curveType><Period>"
        f"<timeInterval><start>{start}</start><end>{end}</end></timeInterval><resolution>{resolution}</resolution>"
        f"{told}</Period></TimeSeries>"
    )


def document(*told):
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Publication_MarketDocument xmlns="{NAMESPACE}">'
        f"<type>A44</type>{''.join(told)}</Publication_MarketDocument>"
    )


NOTHING = """<?xml version="1.0" encoding="UTF-8"?>
<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0"><Reason><code>999</code>
<text>No matching data found for Data item Energy Prices [12.1.D]</text></Reason></Acknowledgement_MarketDocument>"""


def test_prices_are_per_kwh_and_a_point_left_out_repeats_the_one_before():
    prices = read_entsoe(document(series([(1, "85.10"), (3, "-5"), (24, "40")])))
    assert len(prices) == 24
    assert [p.import_price_per_kwh for p in prices[:4]] == [
        Decimal(v) for v in ("0.0851", "0.0851", "-0.005", "-0.005")
    ]
    assert prices[0].interval.starts_at == datetime(2026, 6, 14, 22, tzinfo=UTC)
    assert prices[-1].import_price_per_kwh == Decimal("0.04")


def test_the_day_the_clock_is_set_back_has_twenty_five_hours():
    told = series([(1, "50"), (25, "60")], start="2026-10-24T22:00Z", end="2026-10-25T23:00Z")
    prices = read_entsoe(document(told))
    assert len(prices) == 25
    assert prices[-1].interval.ends_at == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_of_several_auctions_the_first_one_counts():
    later, first = series([(1, "90")], "PT15M", auction=2), series([(1, "70")], "PT15M", auction=1)
    prices = read_entsoe(document(later, first))
    assert len(prices) == 96
    assert {p.import_price_per_kwh for p in prices} == {Decimal("0.07")}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("no xml", "no XML"),
        (NOTHING, "No matching data"),
        (document(series([(1, "5")], unit="KWH")), "KWH"),
        (document(series([(1, "dear")])), "dear"),
        (document(series([(1, "NaN")])), "NaN"),
        (document(series([(1, "5")], resolution="P1Y")), "Period"),
        (document(series([(1, "5")], end="2027-06-15T22:00Z")), "Period"),
        (document(series([(1, "5")], start="yesterday")), "yesterday"),
    ],
)
def test_what_is_no_price_is_refused_and_named(text, named):
    with pytest.raises(InvalidInput, match=named):
        read_entsoe(text)


async def test_a_zone_is_asked_for_once_per_half_hour_with_the_token_and_the_period():
    answer = document(series([(1, "85.10")])).encode()
    async with service((200, answer), (200, answer)) as (url, requests), httpx.AsyncClient() as client:
        platform = EntsoePrices(client, "secret", url)
        assert len(await platform.prices(NL, NOW)) == 24
        assert len(await platform.prices(NL, NOW + timedelta(minutes=29))) == 24
        assert len(requests) == 1
        assert "securityToken=secret&documentType=A44" in requests[0]
        assert "periodStart=202606140000&periodEnd=202606170000" in requests[0]
        await platform.prices(NL, NOW + timedelta(minutes=31))
        assert len(requests) == 2


async def test_while_the_platform_is_down_slow_or_wrong_the_last_prices_stay(caplog):
    good = document(series([(1, "85.10")])).encode()
    answers = [(200, good), (503, b""), None, (200, b"<html>"), (200, NOTHING.encode())]
    async with service(*answers) as (url, requests), httpx.AsyncClient() as client:
        platform = EntsoePrices(client, "secret", url, timeout_s=0.2)
        for hours in range(len(answers)):
            assert len(await platform.prices(NL, NOW + timedelta(hours=hours))) == 24
        assert len(requests) == len(answers)
    assert "secret" not in caplog.text
    assert "status 503" in caplog.text


async def test_a_platform_that_has_had_enough_is_left_alone_as_long_as_it_says():
    answers = (429, b"", "Retry-After: 7200"), (200, document(series([(1, "85.10")])).encode())
    async with service(*answers) as (url, requests), httpx.AsyncClient() as client:
        platform = EntsoePrices(client, "secret", url)
        assert await platform.prices(NL, NOW) == ()
        assert await platform.prices(NL, NOW + timedelta(minutes=119)) == ()
        assert len(requests) == 1
        assert len(await platform.prices(NL, NOW + timedelta(minutes=121))) == 24


async def test_a_platform_that_is_not_there_gives_no_prices():
    async with httpx.AsyncClient() as client:
        assert await EntsoePrices(client, "secret", "http://127.0.0.1:9").prices(NL, NOW) == ()
