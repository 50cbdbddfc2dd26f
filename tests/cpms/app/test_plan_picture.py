"""A plan as a picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpms.__main__ import main
from cpms.app.plan_picture import draw_plan
from cpms.domain.errors import InvalidInput
from optimizer import plan
from tests.optimizer.requests import feeder, need, request

SITUATION = Path(__file__).parents[2] / "situations" / "003-one-phase-is-full" / "situation.json"


def test_a_picture_names_the_sessions_the_shortfall_and_what_holds_the_plan_back(tmp_path: Path):
    asked = request(need("early-bird", 40.0), need("late", 5.0), feeders=(feeder(4, import_kw=7.0),))
    draw_plan(asked, plan(asked), tmp_path / "plan.svg")
    drawn = (tmp_path / "plan.svg").read_text()
    for words in ("early-bird", "late", "lacks", "held back by root at 7 kW"):
        assert f"<!-- {words}" in drawn or words in drawn


def test_a_situation_is_drawn_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["plan", str(SITUATION), "--picture", str(tmp_path / "plan.png")])
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    assert "optimal plan" in capsys.readouterr().out


def test_nobody_to_charge_and_other_kinds_of_file(tmp_path: Path):
    asked = request()
    draw_plan(asked, plan(asked), tmp_path / "empty.png")
    with pytest.raises(InvalidInput, match="name such a file"):
        draw_plan(asked, plan(asked), tmp_path / "plan.txt")
