"""Bad arguments of every verb: a clear sentence and exit status 2, before anything is started."""

import subprocess
import sys
from pathlib import Path

import pytest

from cpms.__main__ import main

HERE = Path(__file__).parent
SITUATION = HERE.parent / "situations" / "003-one-phase-is-full" / "situation.json"


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    try:
        status = main(arguments)
    except SystemExit as refusal:  # argparse refuses by itself
        status = int(refusal.code or 0)
    assert status == 2
    problem = capsys.readouterr().err
    assert "Traceback" not in problem
    assert "Errno" not in problem
    return problem


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ([], "VERB"),
        (["fly"], "VERB"),
        (["token", "create"], "--role"),
        (["token", "create", "--role", "king"], "--role"),
        (["token", "create", "--role", "admin", "--label", "\udcff"], "--label"),
        (["plan"], "situation"),
        (["plan", "nowhere.json"], "situation"),
        (["plan", str(HERE)], "situation"),
        (["plan", str(SITUATION), "--picture", "plan.pdf"], "--picture"),
        (["plan", str(SITUATION), "--picture", "/nowhere/plan.png"], "--picture"),
        (["demo", "--speed", "fast"], "--speed"),
        (["demo", "--speed", "nan"], "--speed"),
        (["demo", "--speed", "0"], "--speed"),
        (["demo", "--seed", "x"], "--seed"),
        (["demo", "--date", "2019-06-12"], "--sessions"),
        (["demo", "--date", "yesterday", "--sessions", "s.csv"], "--date"),
        (["demo", "--date", "2019-06-12", "--sessions", "nowhere.csv"], "sessions"),
        (["demo", "--kill-at", "-1"], "--kill-at"),
        (["demo", "--kill-at", "nan"], "--kill-at"),
        (["demo", "--report", str(Path(__file__))], "--report"),
        (["demo", "--report", "/proc/nowhere"], "--report"),
        (["demo", "--clocks-off", "-5"], "--clocks-off"),
        (["demo", "--clocks-off", "nan"], "--clocks-off"),
        (["demo", "--clocks-off", "inf"], "--clocks-off"),
    ],
)
def test_a_bad_argument_is_named_and_the_status_is_2(
    arguments: list[str], field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert field in refused(arguments, capsys)


def test_a_situation_that_is_no_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "situation.json").write_bytes(b"\xff\xfe")
    assert "situation" in refused(["plan", str(tmp_path / "situation.json")], capsys)


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "cpms", "settings"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as telling:
        assert telling.stdout is not None
        assert telling.stderr is not None
        telling.stdout.close()
        assert telling.stderr.read() == b""
    assert telling.returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CPMS_OCPP_PORT", "99999"),
        ("CPMS_LEASE_S", "soon"),
        ("CPMS_WISH", "1"),
        ("CPMS_DATABASE_URL", "nonsense"),
        ("CPMS_DATA_DIR", __file__),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    problem = refused(["token", "create", "--role", "viewer"], capsys)
    assert name in problem
