from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cpms.app.sources import open_sources
from cpms.domain.errors import InvalidInput
from cpms.settings import Settings
from forecasting.prices.carbon import CarbonIntensityGb, FileCarbon
from forecasting.prices.entsoe import EntsoePrices
from forecasting.prices.port import FilePrices
from forecasting.weather.file import FileWeather
from forecasting.weather.open_meteo import OpenMeteo


async def test_settings_name_the_services(tmp_path: Path) -> None:
    path = f"file:{tmp_path / 'x.csv'}"
    async with open_sources(Settings()) as nobody:
        assert (nobody.weather, nobody.prices, nobody.carbon) == (None, None, None)
    async with open_sources(Settings(weather=path, prices=path, carbon=path)) as files:
        assert isinstance(files.weather, FileWeather)
        assert isinstance(files.prices, FilePrices)
        assert isinstance(files.carbon, FileCarbon)
    for where in ("", ":http://127.0.0.1:8000"):
        asked = Settings(weather="open-meteo" + where, prices="entsoe" + where, entsoe_token="t", carbon="gb" + where)
        async with open_sources(asked) as services:
            assert isinstance(services.weather, OpenMeteo)
            assert isinstance(services.prices, EntsoePrices)
            assert isinstance(services.carbon, CarbonIntensityGb)


async def test_the_platform_is_not_asked_without_a_token() -> None:
    with pytest.raises(InvalidInput, match="CPMS_ENTSOE_TOKEN: is not set"):
        async with open_sources(Settings(prices="entsoe")):
            pass


@pytest.mark.parametrize("setting", ["", "file", "file:", "open-meteo:ftp://x", "http://x", "None"])
@pytest.mark.parametrize("name", ["weather", "prices", "carbon"])
def test_another_source_is_refused(name: str, setting: str) -> None:
    with pytest.raises(ValidationError):
        Settings(**{name: setting})
