from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from cpms.__main__ import main
from cpms.app.session_import import import_sessions, place
from cpms.domain.errors import InvalidInput, NotFound
from cpms.domain.identity import ConnectorKey, Token
from cpms.domain.session import PastSession
from cpms.domain.site import Connector, Station
from cpms.settings import Settings
from data.store import Store
from tests.cpms.app.past import SITE, STATION, build

HEADER = (
    "session_id,station_id,user_id,arrival,departure,delivered_energy (kWh),requested_energy (kWh),estimated_departure"
)
FIRST = "a,CP-1,ada,2026-01-05T08:00:00Z,2026-01-05T17:00:00Z,11,20,2026-01-05T18:00:00Z"
SECOND = "b,CP-1,bob,2026-01-06T08:00:00Z,2026-01-06T17:00:00Z,12,,"
THIRD = "c,CP-1,,2026-01-07T08:00:00Z,2026-01-07T17:00:00Z,13,,"
STARTED_AT = datetime(2026, 1, 5, 8, tzinfo=UTC)


def file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "sessions.csv"
    path.write_text("\n".join((HEADER, *lines)))
    return path


def session(**changes: object) -> PastSession:
    ended_at = STARTED_AT + timedelta(hours=1)
    return replace(PastSession(7, "a", "CP-1", None, STARTED_AT, ended_at, 5.0), **changes)  # type: ignore[arg-type]


async def test_only_what_had_ended_by_an_instant_is_brought_along_and_the_rest_another_time(
    embedded_dsn: str, tmp_path: Path
) -> None:
    settings, path = Settings(database_url=SecretStr(embedded_dsn)), file(tmp_path, FIRST, SECOND, THIRD)
    async with Store.open(embedded_dsn) as store:
        await build(store)
        await store.put_token(Token("ada"))
        until = datetime(2026, 1, 6, 17, tzinfo=UTC)
        imported = await import_sessions(settings, path, "office", until)
        assert (imported.brought.added, imported.later) == (2, 1)
        assert (imported.drivers, imported.strangers) == (2, 1)
        assert "1 of 2 drivers are no token here" in str(imported)
        ended = await store.ended_sessions("office", STARTED_AT)
        assert [(s.id_tag, s.energy_kwh, s.need is None) for s in ended] == [("ada", 11.0, False), ("bob", 12.0, True)]
        imported = await import_sessions(settings, path, "office", None)
        assert (imported.brought.added, imported.brought.known, imported.later) == (1, 2, 0)


async def test_nothing_that_ends_after_an_instant_is_of_any_consequence(embedded_dsn: str, tmp_path: Path) -> None:
    settings, until = Settings(database_url=SecretStr(embedded_dsn)), datetime(2026, 1, 6, tzinfo=UTC)
    async with Store.open(embedded_dsn) as store:
        await build(store)
        other = SECOND.replace("CP-1", "CP-unknown").replace(",12,", ",999999,")
        assert (await import_sessions(settings, file(tmp_path, FIRST, other), "office", until)).brought.added == 1


async def test_one_line_that_cannot_be_used_leaves_everything_as_it_was(embedded_dsn: str, tmp_path: Path) -> None:
    settings = Settings(database_url=SecretStr(embedded_dsn))
    async with Store.open(embedded_dsn) as store:
        await build(store)
        with pytest.raises(InvalidInput, match="CP-9 is not at site office; create the station first"):
            await import_sessions(settings, file(tmp_path, FIRST, SECOND.replace("CP-1", "CP-9")), "office", None)
        with pytest.raises(NotFound):
            await import_sessions(settings, file(tmp_path, FIRST), "nowhere", None)
        assert await store.ended_sessions("office", STARTED_AT) == []


def test_the_only_connector_of_a_station_need_not_be_named_and_one_of_several_must_be() -> None:
    twin = Station("CP-2", "office", "grid", tuple(Connector(ConnectorKey("CP-2", n)) for n in (1, 2)))
    site = replace(SITE, stations=(STATION, twin))
    assert [s.connector_id for s in place([session(), session(station_id="CP-2", connector_id=2)], site)] == [1, 2]
    with pytest.raises(InvalidInput, match="line 7, connector_id: is missing; give one of 1, 2"):
        place([session(station_id="CP-2")], site)
    with pytest.raises(InvalidInput, match="3 is none of CP-2"):
        place([session(station_id="CP-2", connector_id=3)], site)


def test_watt_hours_are_not_taken_for_kilowatt_hours() -> None:
    with pytest.raises(InvalidInput, match=r"line 7, .*: 5000 kWh in 1.0 h is more than the connector gives"):
        place([session(energy_kwh=5000.0)], replace(SITE, stations=(STATION,)))


def test_bad_arguments_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(file(tmp_path, FIRST))
    assert main(["sessions", "import", path, "--site", "office", "--until", "monday"]) == 2
    assert "--until" in capsys.readouterr().err
    assert main(["sessions", "import", str(tmp_path / "nowhere.csv"), "--site", "office"]) == 2
    assert "nowhere.csv" in capsys.readouterr().err
