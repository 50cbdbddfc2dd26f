from __future__ import annotations

from pathlib import Path

import pytest

from cpms.app.weather import weather_service
from cpms.domain.errors import InvalidInput
from forecasting.weather.file import FileWeather
from forecasting.weather.open_meteo import OpenMeteo


async def test_the_setting_names_the_service(tmp_path: Path) -> None:
    async with weather_service("none") as service:
        assert service is None
    async with weather_service(f"file:{tmp_path / 'w.csv'}") as service:
        assert isinstance(service, FileWeather)
    for setting in ("open-meteo", "open-meteo:http://127.0.0.1:8000"):
        async with weather_service(setting) as service:
            assert isinstance(service, OpenMeteo)


@pytest.mark.parametrize("setting", ["", "file", "file:", "open-meteo:ftp://x", "http://x", "None"])
async def test_another_setting_is_refused_with_what_there_is(setting: str) -> None:
    with pytest.raises(InvalidInput, match="use none, open-meteo or file:PATH"):
        async with weather_service(setting):
            pass
