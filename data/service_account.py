"""The operating system's account a database server runs under: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cpms.domain.errors import StoreUnavailable

_CANDIDATES = ("postgres", "nobody")
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class ServiceAccount:
    """A user the server's processes run as; ours, unless we are root."""

    name: str
    uid: int
    gid: int

    @classmethod
    def current(cls) -> ServiceAccount:
        """The account this process runs under; StoreUnavailable if the system has no name for it."""
        try:
            entry = pwd.getpwuid(os.geteuid())
        except KeyError as error:
            raise StoreUnavailable(
                f"user id {os.geteuid()} has no name, and PostgreSQL needs one: "
                "add it to /etc/passwd, or set CPMS_DATABASE_URL to a server of your own"
            ) from error
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @classmethod
    def serving(cls, cluster: Path) -> ServiceAccount:
        """The account that serves `cluster`: ourselves; as root the cluster's owner, or an unprivileged system account."""
        current = cls.current()
        if current.uid != 0:
            return current
        if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
            entry = pwd.getpwuid(owner)
            return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        for name in _CANDIDATES:
            if (found := known.get(name)) is not None:
                return cls(name, found.pw_uid, found.pw_gid)
        raise StoreUnavailable(f"root may not run PostgreSQL, and there is none of the accounts {_CANDIDATES}")

    @property
    def is_ours(self) -> bool:
        """Whether this process runs under it already."""
        return self.uid == os.geteuid()

    def run(self, arguments: Sequence[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a program under this account, in an environment of its own; the caller judges the exit status."""
        identity = (None, None, None) if self.is_ours else (self.uid, self.gid, ())
        user, group, extra_groups = identity
        return subprocess.run(  # noqa: S603 - fixed programs with our own paths, no shell
            [str(a) for a in arguments],
            cwd=cwd,
            env=_ENVIRONMENT,
            user=user,
            group=group,
            extra_groups=extra_groups,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    def reaches(self, path: Path) -> bool:
        """Whether it may enter (a folder) or execute (a file) `path`, all parents included."""
        return self.run(["/bin/sh", "-c", 'test -x "$1"', "sh", path], cwd=Path("/")).returncode == 0

    def own(self, path: Path) -> None:
        """Give it `path` and everything below."""
        if self.is_ours:
            return
        os.chown(path, self.uid, self.gid)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder) / name, self.uid, self.gid, follow_symlinks=False)
