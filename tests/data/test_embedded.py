from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cpms.domain.errors import StoreUnavailable
from data.cluster_files import wheel_binaries
from data.embedded import EmbeddedServer
from tests.databases import open_folder

QUICK = {"fsync": "off"}
HOLD = "import sys; from pathlib import Path; from data.embedded import EmbeddedServer\n"
HOLD += "print(EmbeddedServer(Path(sys.argv[1]), settings={'fsync': 'off'}).start(), flush=True); sys.stdin.read()"


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """A cluster that every test finds stopped and leaves stopped."""
    with open_folder() as folder:
        yield folder


def answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return False
    return True


def postmaster(server: EmbeddedServer) -> int:
    return int((server.cluster / "postmaster.pid").read_text().split()[0])


def test_it_runs_while_entered_and_only_for_us(data_dir: Path) -> None:
    with EmbeddedServer(data_dir, settings=QUICK) as server:
        with psycopg.connect(server.dsn) as connection:
            shown = {
                name: connection.execute(f"SHOW {name}".encode()).fetchone()
                for name in ("listen_addresses", "synchronous_commit", "data_checksums", "jit")
            }
        assert shown == {
            "listen_addresses": ("",), "synchronous_commit": ("on",), "data_checksums": ("on",), "jit": ("off",)
        }  # fmt: skip
        assert "peer" in (server.cluster / "pg_hba.conf").read_text()
        assert Path(f"/proc/{postmaster(server)}").stat().st_uid != 0
    assert not answers(server.dsn)


def test_data_outlives_a_killed_server(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, settings=QUICK)
    with psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postmaster(server), signal.SIGKILL)
    with EmbeddedServer(data_dir, settings=QUICK) as again, psycopg.connect(again.dsn) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    server.stop()


def test_a_server_that_died_is_noticed_and_revived_with_its_data(data_dir: Path) -> None:
    with EmbeddedServer(data_dir) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE TABLE committed ()")
        assert server.lives()
        os.kill(postmaster(server), signal.SIGKILL)
        while server.lives():
            pass
        server.revive()
        assert server.lives()
        with psycopg.connect(server.dsn) as connection:
            connection.execute("SELECT FROM committed")


def test_a_server_left_running_by_a_killed_process_is_used_on_and_stopped_at_last(data_dir: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, data_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        dsn = parent.stdout.readline().strip()
        parent.kill()
    assert answers(dsn)
    server = EmbeddedServer(data_dir, settings=QUICK)
    left_running = postmaster(server)
    assert server.start() == dsn
    assert postmaster(server) == left_running
    server.stop()
    assert not answers(dsn)


def test_processes_share_a_server_and_the_last_one_stops_it(data_dir: Path) -> None:
    first, second = EmbeddedServer(data_dir, settings=QUICK), EmbeddedServer(data_dir, settings=QUICK)
    assert first.start() == second.start()
    first.stop()
    assert answers(second.dsn)
    second.stop()
    second.stop()
    assert not answers(second.dsn)


def test_a_pid_file_whose_process_is_another_program_does_not_keep_it_from_starting(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, settings=QUICK)
    (server.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{server.cluster}\n0\n5432\n\n\n\n")
    with server:
        assert answers(server.dsn)


def test_a_server_that_does_not_start_says_why(data_dir: Path) -> None:
    with pytest.raises(StoreUnavailable, match="shared_buffers"):
        EmbeddedServer(data_dir, settings={"shared_buffers": "much"}).start()
    with EmbeddedServer(data_dir, settings=QUICK) as server:
        assert answers(server.dsn)


def test_a_path_too_long_for_a_socket_is_no_obstacle() -> None:
    with open_folder() as folder:
        with EmbeddedServer(folder / ("long" * 30), settings=QUICK) as server:
            assert answers(server.dsn)
            sockets = Path(str(psycopg.conninfo.conninfo_to_dict(server.dsn)["host"]))
        assert not sockets.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that its server's account cannot enter")
def test_where_the_servers_account_cannot_enter_the_cluster_lives_elsewhere_and_is_pointed_at() -> None:
    with open_folder() as folder:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        with EmbeddedServer(closed / "data", settings=QUICK) as server:
            assert answers(server.dsn)
            assert (closed / "data/postgresql").resolve() == server.cluster
            assert closed.stat().st_mode & 0o777 == 0o700
        subprocess.run(["rm", "-r", server.cluster.parent], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that its server's account cannot enter")
def test_a_wheel_that_the_servers_account_cannot_enter_is_copied() -> None:
    package = wheel_binaries().parents[1]
    with open_folder() as folder:
        closed = folder / "environment"
        closed.mkdir(mode=0o700)
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, closed / part.name, symlinks=True)
        paths = os.pathsep.join([str(closed), str(Path.cwd())])
        command = [sys.executable, "-c", HOLD, folder / "data"]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, stdin=subprocess.DEVNULL, check=True)
        with EmbeddedServer(folder / "data", settings=QUICK) as server:
            running = Path(f"/proc/{postmaster(server)}/exe").resolve()
        assert running.is_relative_to(folder / "data")
        assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that its server's account cannot enter")
def test_named_programs_that_the_servers_account_cannot_execute_are_refused_by_name() -> None:
    with open_folder() as folder:
        closed = folder / "programs"
        closed.mkdir(mode=0o700)
        with pytest.raises(StoreUnavailable, match=r"cannot execute .*programs/postgres"):
            EmbeddedServer(folder / "data", bin_dir=closed)


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test runs as a plain user already")
def test_a_plain_user_runs_it_as_itself() -> None:
    with open_folder() as folder:
        os.chown(folder, 65534, 65534)
        # dropped to only after the imports, which may lie in folders of root
        drop = "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        imports, start = HOLD.split("\n")
        held = subprocess.run(
            [sys.executable, "-c", f"{imports}\n{drop}{start}", folder],
            stdin=subprocess.DEVNULL,
            text=True,
            capture_output=True,
            check=False,
        )
        assert held.stdout.startswith("postgresql:///cpms"), held.stderr
        assert (folder / "postgresql").stat().st_uid == 65534
        with EmbeddedServer(folder, settings=QUICK) as server:  # root joins what the user made and left running
            assert answers(server.dsn)
