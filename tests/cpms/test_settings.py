import os
import subprocess
import sys
from pathlib import Path

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.time import AcceleratedClock, SystemClock
from cpms.settings import Settings, load_settings, shown


def run_cpms(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CPMS_")}
    return subprocess.run(
        [sys.executable, "-m", "cpms", *arguments], env=kept | variables, capture_output=True, text=True, check=False
    )


def test_a_setting_comes_from_the_environment_and_is_shown_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPMS_OCPP_PORT", "9100")
    sources = {s.name: (s.value, s.source) for s in shown(load_settings())}
    assert sources["CPMS_OCPP_PORT"] == (9100, "environment")
    assert sources["CPMS_API_PORT"] == (8080, "default")


def test_every_setting_says_what_it_is() -> None:
    assert [s.name for s in shown(Settings()) if not s.description] == []


def test_data_lies_in_the_users_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    monkeypatch.delenv("CPMS_DATA_DIR", raising=False)
    assert Settings().data_dir == Path("/srv/data/cpms")


def test_the_clock_is_the_machines_unless_a_demonstration_says_otherwise() -> None:
    accelerated = "2024-06-12T00:00:00+00:00|2024-06-13T00:00:00+00:00|480.0|0.0"
    assert isinstance(Settings().make_clock(), SystemClock)
    assert isinstance(Settings(clock=accelerated).make_clock(), AcceleratedClock)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("CPMS_OCPP_PORT", "ninety", "CPMS_OCPP_PORT: 'ninety'"),
        ("CPMS_LEASE_S", "-5", "CPMS_LEASE_S: '-5'"),
        ("CPMS_LEASE_S", "1", "it is how long a grant lasts"),
        ("CPMS_LOG_LEVEL", "loud", "CPMS_LOG_LEVEL"),
        ("CPMS_CLOCK", "noon", "CPMS_CLOCK: 'noon'"),
        ("CPMS_WEATHER", "oracle", "CPMS_WEATHER: 'oracle'.*open-meteo"),
        ("CPMS_OCCP_PORT", "9000", "CPMS_OCCP_PORT: is no setting"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=problem):
        load_settings()


def test_the_command_line_shows_settings_and_hides_secrets() -> None:
    done = run_cpms("settings", CPMS_DATABASE_URL="postgresql://user:hidden@db/cpms")
    assert done.returncode == 0
    assert "CPMS_DATABASE_URL" in done.stdout
    assert "hidden" not in done.stdout


def test_the_command_line_says_what_is_wrong_in_one_line() -> None:
    done = run_cpms("settings", CPMS_API_PORT="-1")
    assert done.returncode == 2
    assert done.stderr.startswith("cpms: CPMS_API_PORT")
    assert done.stderr.count("\n") == 1
