"""Files that somebody else keeps up to date: read again when they have changed, and what was read stays while they cannot be read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from cpms.domain.errors import InvalidInput

logger = logging.getLogger(__name__)

Content = TypeVar("Content")


class Rereading(Generic[Content]):
    """The content of the file at `path` as `read` understands it. `what`: its name in the log. `problem`: why the last look brought
    nothing new, empty while all is well."""

    def __init__(self, what: str, path: Path, read: Callable[[Path], Content], nothing: Content) -> None:
        self.problem = ""
        self._what = what
        self._path = path
        self._read = read
        self._read_ns = -1
        self._content = nothing

    async def get(self) -> Content:
        """The latest content that could be read."""
        try:
            await asyncio.to_thread(self._refresh)
            self.problem = ""
        except (InvalidInput, OSError, ValueError) as error:
            if str(error) != self.problem:
                logger.warning("no new %s: %s", self._what, error)
            self.problem = str(error)
        return self._content

    def _refresh(self) -> None:
        changed_ns = self._path.stat().st_mtime_ns
        if changed_ns != self._read_ns:
            self._content = self._read(self._path)
            self._read_ns = changed_ns
