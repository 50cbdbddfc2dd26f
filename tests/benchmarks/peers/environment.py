"""Where the peers live (an environment of their own, which leaves the product's alone), and how one of them is asked: a problem
as JSON in, its answer as JSON out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path

SCRIPTS = {"flexmeasures": "flexmeasures_lp.py", "cvxpy": "cvxpy_lp.py"}


def directory() -> Path:
    """The peers' own environment, below XDG_CACHE_HOME."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cpms" / "peers"


def interpreter() -> Path:
    """The Python in it."""
    return directory() / "bin" / "python"


def prepare() -> str:
    """Makes the environment where it is missing, from the package index; empty, or why it cannot be made."""
    if interpreter().exists():
        return ""
    requirements = Path(__file__).with_name("requirements.txt")
    venv.create(directory(), with_pip=True, clear=True)
    command = [str(interpreter()), "-m", "pip", "install", "-q", "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(directory())
        return f"pip could not install them: {(done.stderr.strip() or 'no message').splitlines()[-1]}"
    return ""


def ask(peer: str, case: dict[str, object], time_limit_s: float) -> dict[str, object]:
    """What a peer answers, or why it does not."""
    if why := prepare():
        return {"missing": why}
    script = Path(__file__).with_name(SCRIPTS[peer])
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": os.environ.get("PATH", "")}
    command = [str(interpreter()), str(script)]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(case),
            capture_output=True,
            text=True,
            timeout=time_limit_s,
            env=single,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"missing": f"{peer} had no answer within {time_limit_s:g} s"}
    if done.returncode:
        return {"missing": f"{peer} failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}"}
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer
