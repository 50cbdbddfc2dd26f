from __future__ import annotations

from decimal import Decimal

import httpx

from api import Services
from cpms.domain.tariff import DayAhead
from tests.api.recording import RecordingLive

TARIFF = "/api/v1/sites/depot/tariff"
BODY = {
    "currency": "EUR",
    "flat_price_per_kwh": 0.1,
    "bands": [{"import_price_per_kwh": "0.35", "starts": "17:00", "ends": "21:00", "weekdays": [0, 1, 2, 3, 4]}],
    "intervals": [
        {"starts_at": "2026-01-15T13:00:00Z", "ends_at": "2026-01-15T14:00:00Z", "import_price_per_kwh": -0.01},
        {"starts_at": "2026-01-15T12:00:00Z", "ends_at": "2026-01-15T13:00:00Z", "import_price_per_kwh": "0.2487"},
    ],
    "demand_charges": [{"price_per_kw": "12.5", "period": "day", "window_s": 900}],
    "day_ahead": {"zone": "10YNL----------L", "import_factor": "1.21", "import_surcharge_per_kwh": "0.1088"},
    "subscriptions": [
        {"subscribed_kw": 50, "fee_per_kwh": "1.10", "band": {"import_price_per_kwh": 0, "starts": "07:00"}}
    ],
}


async def test_a_tariff_is_stored_to_the_last_digit(
    depot: httpx.AsyncClient, services: Services, live: RecordingLive
) -> None:
    live.told.clear()
    response = await depot.put(TARIFF, json=BODY)
    assert response.status_code == 200, response.text
    assert (await depot.get(TARIFF)).json() == response.json()
    tariff = await services.store.tariff("depot")
    assert tariff.flat_price_per_kwh == Decimal("0.1")
    assert tariff.timezone == "Europe/Amsterdam"
    assert [p.import_price_per_kwh for p in tariff.intervals] == [Decimal("0.2487"), Decimal("-0.01")]
    assert tariff.day_ahead == DayAhead("10YNL----------L", Decimal("1.21"), Decimal("0.1088"))
    assert [(s.subscribed_kw, s.fee_per_kwh) for s in tariff.subscriptions] == [(50.0, Decimal("1.10"))]
    assert live.told == [("tariff", "depot")]


async def test_a_tariff_that_was_read_can_be_put_again(depot: httpx.AsyncClient) -> None:
    read = (await depot.put(TARIFF, json=BODY)).json()
    assert (await depot.put(TARIFF, json=read)).json() == read


async def test_a_site_without_a_tariff_says_so(depot: httpx.AsyncClient) -> None:
    response = await depot.get(TARIFF)
    assert response.status_code == 404
    assert "has no tariff" in response.json()["detail"]


async def test_a_tariff_that_cannot_be_is_refused(depot: httpx.AsyncClient) -> None:
    for change, field in [
        ({"currency": "USD"}, "currency"),
        ({"flat_price_per_kwh": "NaN"}, "flat_price_per_kwh"),
        ({"flat_price_per_kwh": "1e9"}, "flat_price_per_kwh"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"intervals": [BODY["intervals"][0], BODY["intervals"][0]]}, "intervals"),
        ({"intervals": [BODY["intervals"][0] | {"ends_at": "2026-01-15T12:00:00Z"}]}, "intervals[0].ends_at"),
        ({"demand_charges": [{"price_per_kw": 1, "window_s": 700}]}, "demand_charges[0].window_s"),
        ({"demand_charges": [{"price_per_kw": -1}]}, "demand_charges[0].price_per_kw"),
        ({"bands": [{"import_price_per_kwh": 1, "starts": "17:00Z"}]}, "bands[0].starts"),
        ({"subscriptions": [{"subscribed_kw": 5, "fee_per_kwh": -1}]}, "subscriptions[0].fee_per_kwh"),
        ({"bands": [{"import_price_per_kwh": 1, "weekdays": [7]}]}, "bands[0].weekdays[0]"),
        ({"day_ahead": {"zone": "NL"}}, "day_ahead.zone"),
    ]:
        response = await depot.put(TARIFF, json=BODY | change)
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == field
        assert (await depot.get(TARIFF)).status_code == 404
