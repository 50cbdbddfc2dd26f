"""LightGBM's wheel expects the operating system's OpenMP runtime, which a bare machine lacks; scikit-learn's wheel brings its own.

Where the system has none, that one is loaded under the name LightGBM asks for, so that nothing needs to be installed beside Python.
"""

from __future__ import annotations

import ctypes
import re
import tempfile
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

NAME = "libgomp.so.1"
_OWN_NAME = re.compile(rb"libgomp-[0-9a-f]{8}\.so\.1\.0\.0\0")


def require_openmp() -> None:
    """Make the OpenMP runtime available to what this process loads from now on. OSError, with the cure, if there is none."""
    try:
        ctypes.CDLL(NAME, mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        library = bundled()
        if library is None:
            raise OSError(f"{error}; install libgomp1, or scikit-learn, whose wheel brings it") from error
        load_as(library, NAME)


def bundled() -> Path | None:
    """The runtime in scikit-learn's wheel; None if it is not installed or brings none."""
    try:
        found = files("scikit-learn") or []
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in found if file.name.startswith("libgomp-")), None)


def load_as(library: Path, name: str) -> ctypes.CDLL:
    """Load a copy of a wheel's `library` that calls itself `name`: the loader finds it when another library needs `name`."""
    code = library.read_bytes()
    renamed = _OWN_NAME.sub(lambda match: name.encode().ljust(len(match[0]), b"\0"), code)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / name
        copy.write_bytes(renamed)
        return ctypes.CDLL(str(copy), mode=ctypes.RTLD_GLOBAL)  # it stays loaded without its file
