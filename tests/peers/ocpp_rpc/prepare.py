"""Installs the station by other authors, exactly as its lock file says; does nothing where that is done already."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.timescale import CannotPrepare

HERE = Path(__file__).parent
_INSTALLED = HERE / "node_modules" / ".package-lock.json"


def prepare() -> str:
    """`npm ci`; returns what it did. CannotPrepare where there is no node, or if it fails."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise CannotPrepare("it needs node and npm; install Node.js 20 or later")
    if is_prepared():
        return "ocpp-rpc is installed"
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise CannotPrepare(f"npm ci failed in {HERE}: {done.stderr or done.stdout}")
    return "installed ocpp-rpc"


def is_prepared() -> bool:
    """Whether what is installed is not older than the lock file."""
    lock = HERE / "package-lock.json"
    return _INSTALLED.exists() and _INSTALLED.stat().st_mtime >= lock.stat().st_mtime


if __name__ == "__main__":
    print(prepare())
