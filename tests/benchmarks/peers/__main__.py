"""Make the environment in which the peers run, once: python -m tests.benchmarks.peers

It lies under the user's cache directory and leaves the product's own environment alone.
"""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

from tests.benchmarks.peers.environment import directory, interpreter


def main() -> None:
    """Create the environment and install the peers into it."""
    venv.create(directory(), with_pip=True)
    requirements = Path(__file__).with_name("requirements.txt")
    subprocess.run([str(interpreter()), "-m", "pip", "install", "-q", "-r", str(requirements)], check=True)
    print(f"peers are in {directory()}")


if __name__ == "__main__":
    main()
