"""Past sessions in a table: CSV, plain or gzipped, a line per session, with the columns of ACN-Data (https://ev.caltech.edu).

    arrival, departure                      instants with their offset from UTC; departure is when the vehicle was unplugged
    delivered_energy (kWh)                  what it took
    station_id, session_id                  session_id: unique per station
    requested_energy (kWh), estimated_departure, claimed
                                            what the driver stated. Where `claimed` is False nobody did, and the two columns repeat the
                                            outcome: they are not looked at. Without that column, empty cells say that nobody did.
    connector_id, user_id                   may be missing

Nothing of a file is used if a line of it cannot be.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cpms.domain.errors import InvalidInput, reason_of
from cpms.domain.identity import require_station_id
from cpms.domain.session import EnergyNeed, PastSession

ARRIVAL, DEPARTURE, DELIVERED = "arrival", "departure", "delivered_energy (kWh)"
STATION, SESSION = "station_id", "session_id"
REQUESTED, ESTIMATED, CLAIMED = "requested_energy (kWh)", "estimated_departure", "claimed"
CONNECTOR, USER = "connector_id", "user_id"
REQUIRED = (ARRIVAL, DEPARTURE, DELIVERED, STATION, SESSION)
LONGEST_TEXT = 200
CONNECTORS = range(1, 1000)
SHOWN_LINES = 10
YEARS = range(2000, 2100)
Item = TypeVar("Item")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read_session_file(path: Path) -> list[PastSession]:
    """The sessions of a file by their start, each once; InvalidInput names the first line and column that cannot be used, and
    further lines."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as file:
            return parse_sessions(file)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        cure = "give a table of sessions, .csv or .csv.gz"
        raise InvalidInput("sessions", f"{path} cannot be read ({reason})", cure) from error


def parse_sessions(lines: Iterable[str]) -> list[PastSession]:
    """The same from the lines of a file, its header first."""
    table = csv.DictReader(lines)
    try:
        columns = table.fieldnames or ()
    except csv.Error as error:
        raise InvalidInput("sessions", str(error), "give a table in CSV, its header first") from error
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise InvalidInput("sessions", f"no column is called {missing[0]!r}", f"give {', '.join(REQUIRED)}")
    found: dict[tuple[str, str], PastSession] = {}
    refuse_together(lambda row: _add(found, row), _rows(table))
    return sorted(found.values(), key=lambda s: (s.started_at, s.station_id, s.session_id))


def refuse_together(check: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Check all `items`; the first problem is told in full, of others their place."""
    problems: list[InvalidInput] = []
    for item in items:
        try:
            check(item)
        except InvalidInput as problem:
            problems.append(problem)
    if problems:
        first, others = problems[0], [problem.field.split(",")[0] for problem in problems[1:]]
        raise InvalidInput(first.field, first.problem + _and_others(others), first.cure)


def _and_others(places: Sequence[str]) -> str:
    if not places:
        return ""
    rest = len(places) - SHOWN_LINES
    return f" (as are {', '.join(places[:SHOWN_LINES])}{f' and {rest} more' if rest > 0 else ''})"


@dataclass(frozen=True)
class _Row:
    """A line's cells by column."""

    line: int
    cells: Mapping[str, str]

    def bad(self, column: str, problem: str, cure: str) -> InvalidInput:
        return InvalidInput(f"line {self.line}, {column}", problem, cure)

    def optional(self, column: str) -> str:
        return (self.cells.get(column) or "").strip()

    def text(self, column: str) -> str:
        text = self.optional(column)
        if not 0 < len(text) <= LONGEST_TEXT or not text.isprintable():
            raise self.bad(
                column, f"{text[:60]!r} is no name", f"give 1 to {LONGEST_TEXT} characters that can be printed"
            )
        return text

    def instant(self, column: str) -> datetime:
        text = self.optional(column)
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            instant = None
        if instant is None or instant.utcoffset() is None or instant.year not in YEARS:
            raise self.bad(
                column, f"{text[:60]!r} is no instant with an offset", "write it as 2019-05-01 08:15:00-07:00"
            )
        return instant

    def energy_kwh(self, column: str) -> float:
        text = self.optional(column)
        try:
            energy_kwh = float(text)
        except ValueError:
            energy_kwh = math.nan
        if not 0 <= energy_kwh < math.inf:
            raise self.bad(column, f"{text[:60]!r} is no energy", "give kWh, 0 or more")
        return energy_kwh


def _rows(table: csv.DictReader[str]) -> Iterator[_Row]:
    try:
        for cells in table:
            yield _Row(table.line_num, {column: cell or "" for column, cell in cells.items() if column is not None})
    except csv.Error as error:
        raise InvalidInput(f"line {table.line_num}, all of it", str(error), "give a table in CSV") from error


def _add(found: dict[tuple[str, str], PastSession], row: _Row) -> None:
    session = _session(row)
    known = found.setdefault((session.station_id, session.session_id), session)
    if replace(known, line=session.line) != session:
        raise row.bad(SESSION, f"contradicts line {known.line}, the same session", "keep the line that is right")


def _session(row: _Row) -> PastSession:
    started_at, ended_at = row.instant(ARRIVAL), row.instant(DEPARTURE)
    if ended_at < started_at:
        raise row.bad(DEPARTURE, f"{ended_at} is before the arrival", "give the instant the vehicle was unplugged")
    return PastSession(
        line=row.line,
        session_id=row.text(SESSION),
        station_id=_station_id(row),
        connector_id=_connector_id(row),
        started_at=started_at,
        ended_at=ended_at,
        energy_kwh=row.energy_kwh(DELIVERED),
        need=EnergyNeed(row.energy_kwh(REQUESTED), row.instant(ESTIMATED)) if _stated(row) else None,
        id_tag=row.text(USER) if row.optional(USER) else None,
    )


def _stated(row: _Row) -> bool:
    """Whether the driver said what is needed."""
    claimed = row.optional(CLAIMED).lower()
    if not claimed:
        return bool(row.optional(REQUESTED) and row.optional(ESTIMATED))
    if claimed not in _TRUTH:
        raise row.bad(CLAIMED, f"{claimed[:60]!r} is neither", "give True or False")
    return _TRUTH[claimed]


def _station_id(row: _Row) -> str:
    try:
        return require_station_id(row.optional(STATION))
    except InvalidInput as problem:
        raise row.bad(STATION, problem.problem, problem.cure) from None


def _connector_id(row: _Row) -> int | None:
    text = row.optional(CONNECTOR)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and int(text) in CONNECTORS):
        raise row.bad(CONNECTOR, f"{text[:60]!r} is no connector", "give a number from 1 on, or leave it empty")
    return int(text)
