"""Commands that wait for a station: the most urgent first, the newest grant only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cpms.domain.command import Command, CommandPriority, InstallGrant
from cpms.domain.telemetry import CommandOutcome, CommandResult

SUPERSEDED = CommandResult(CommandOutcome.REJECTED, "superseded")


@dataclass(frozen=True)
class Waiting:
    """A command, whose it is, and how urgent."""

    ticket: int
    command: Command
    priority: CommandPriority


class CommandQueue:
    """SAFETY before SCHEDULE before DIAGNOSTICS, each in the order it came."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, new: Waiting) -> Iterator[int]:
        """Queue `new`; yields tickets of what it supersedes, or its own if something newer is waiting.

        Grants supersede grants of the same connector and kind: a transaction's grant leaves the station's default alone.
        What replaces something urgent is urgent.
        """
        superseded = [old for old in self._waiting if _same_place(old.command, new.command)]
        if any(_sequence(old.command) > _sequence(new.command) for old in superseded):
            yield new.ticket
            return
        for old in superseded:
            self._waiting.remove(old)
            new = replace(new, priority=min(new.priority, old.priority))
            yield old.ticket
        self._waiting.append(new)

    def pop(self) -> Waiting:
        """The most urgent; IndexError if nothing waits."""
        index = min(range(len(self._waiting)), key=lambda i: self._waiting[i].priority, default=0)
        return self._waiting.pop(index)


def _same_place(old: Command, new: Command) -> bool:
    return (
        isinstance(old, InstallGrant)
        and isinstance(new, InstallGrant)
        and old.grant.connector == new.grant.connector
        and old.grant.is_base == new.grant.is_base
    )


def _sequence(command: Command) -> int:
    return command.grant.sequence if isinstance(command, InstallGrant) else 0
