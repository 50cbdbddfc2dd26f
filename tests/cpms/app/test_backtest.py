from __future__ import annotations

import json

import pytest

from cpms.__main__ import main
from data.store import Store
from tests.cpms.app.past import NOW, build, measure


@pytest.fixture(autouse=True)
async def past(embedded_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPMS_DATABASE_URL", embedded_dsn)
    monkeypatch.setenv("CPMS_CLOCK", f"{NOW.isoformat()}|{NOW.isoformat()}|1.0|0.0")
    async with Store.open(embedded_dsn) as store:
        await build(store)
        await measure(store, 12)


def test_what_load_forecasts_would_have_said_is_scored_per_horizon(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", "backtest", "--site", "office", "--quantity", "load", "--json"]) == 0
    tested = json.loads(capsys.readouterr().out)
    assert [one["horizon_h"] for one in tested] == [0.25, 1.0, 4.0, 24.0, 47.0]
    assert all(one["score"]["nrmse"] < 0.2 and one["score"]["count"] > 9 for one in tested)


def test_without_a_quantity_all_there_is_enough_of_is_tested(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", "backtest", "--site", "office"]) == 0
    shown = capsys.readouterr().out
    assert "load" in shown
    assert "sessions" not in shown


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        (["--site", "nowhere"], 1, "nowhere"),
        (["--site", "office", "--quantity", "sessions"], 2, "nothing of this quantity is stored"),
        (["--site", "office", "--quantity", "load", "--from", "2020-01-01T00:00:00Z"], 2, "both sides"),
        (["--site", "office", "--from", "yesterday"], 2, "'yesterday' is no instant"),
        (["--site", "office", "--from", "2026-06-01T00:00:00"], 2, "no time zone"),
    ],
)
def test_what_cannot_be_tested_is_said(
    arguments: list[str], status: int, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["forecast", "backtest", *arguments]) == status
    assert problem in capsys.readouterr().err
