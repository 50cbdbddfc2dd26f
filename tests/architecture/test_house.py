"""The house keeps its shape: what architecture and handbook of the code promise, checked on the code itself."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("cpms", "optimizer", "forecasting", "api", "data")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(tree: ast.AST) -> Iterator[str]:
    return (ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_imports_go_in_the_allowed_directions_only() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_file_is_small_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nobody_asks_the_machine_for_the_time_but_the_system_clock(path: Path) -> None:
    asked = [
        call for call in calls(ast.parse(path.read_text())) if re.fullmatch(r".*datetime\.(now|utcnow|today)", call)
    ]
    assert asked == ([] if relative(path) != "cpms/domain/time.py" else ["datetime.now"])


def test_sockets_of_stations_are_the_business_of_the_server_and_of_the_simulation_only() -> None:
    users = {
        relative(p)
        for p in SOURCES
        if any(name.startswith("websockets") for name in imported(ast.parse(p.read_text())))
    }
    assert users <= {"cpms/ocpp/server.py", "cpms/ocpp/connection.py", "cpms/simulation/client.py"}


def test_no_file_of_ours_is_named_like_a_package_of_ours() -> None:
    assert [relative(p) for p in SOURCES if p.stem in ("data", "api")] == []


def test_sql_lives_in_sql_files() -> None:
    statement = re.compile(r"\b(INSERT INTO|DELETE FROM|SELECT .* FROM|UPDATE \w+ SET)\b")
    found = [relative(p) for p in SOURCES if p.parts[-2] != "data" and statement.search(p.read_text())]
    assert found == []


def test_make_has_at_most_eight_verbs() -> None:
    verbs = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(verbs) <= 8


def test_the_wheel_holds_exactly_the_five_packages() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    assert sorted(packages["include"]) == sorted(f"{room}*" for room in ROOMS)
    tops = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {name for name in tops if any(name.startswith(room) for room in ROOMS)} == set(ROOMS)


def test_the_repository_names_no_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    machine = re.compile(r"(?<![\w.])/(?:work|root/\.|home/\w+)/|registry\.npmjs|pypi\.org/simple")
    text_files = [ROOT / name for name in listed if not name.endswith((".png", ".gz", ".parquet"))]
    named = [relative(p) for p in text_files if p.is_file() and p != Path(__file__) and machine.search(p.read_text())]
    assert named == []
