from __future__ import annotations

from cpms.domain.peak_price import PeakPrice, demand_price


def test_the_prices_of_peak_become_one_demand_price() -> None:
    prices = (PeakPrice(0.0, 0.0), PeakPrice(20.0, 4.0), PeakPrice(30.0, 15.0))
    price = demand_price(prices, 24.0, (True, False))
    assert (price.price_per_kw, price.peak_so_far_kw) == (0.0, 24.0)
    assert price.rises == ((20.0, 4.0), (30.0, 15.0))
    assert demand_price(prices, 24.0, (True, False), charge_per_kw=2.0).rises == ((20.0, 8.0), (30.0, 30.0))
