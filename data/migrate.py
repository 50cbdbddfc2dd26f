"""Numbered SQL migrations: one transaction each, checksummed, one process at a time, what the database can do considered."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from cpms.domain.errors import Conflict, InvalidInput, StoreUnavailable

_ADVISORY_LOCK = 0x63706D73  # "cpms"
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

_BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS schema_storage (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    hypertables boolean NOT NULL
);
"""


class Tier(enum.Enum):
    """What the database can do: PLAIN PostgreSQL; TimescaleDB's APACHE edition (hypertables); COMMUNITY (all of it)."""

    PLAIN = "plain"
    APACHE = "apache"
    COMMUNITY = "community"


_CAPABILITIES = {
    Tier.PLAIN: {"plain"},
    Tier.APACHE: {"timescaledb"},
    Tier.COMMUNITY: {"timescaledb", "timescaledb-community"},
}


@dataclass(frozen=True)
class Migration:
    """A file `NNNN_name.sql`; `requires` is what its first line asks for (`-- requires: timescaledb`), None for anything."""

    version: int
    name: str
    sql: str
    requires: str | None

    @classmethod
    def parse(cls, file_name: str, sql: str) -> Migration:
        """A migration from its file; InvalidInput for a name or a capability that is none."""
        if (match := _FILE_NAME.fullmatch(file_name)) is None:
            raise InvalidInput(file_name, "is no name of a migration", "call it NNNN_name.sql")
        first = sql.partition("\n")[0]
        requires = first.removeprefix("-- requires:").strip() if first.startswith("-- requires:") else None
        if requires is not None and not any(requires in able for able in _CAPABILITIES.values()):
            raise InvalidInput(file_name, f"requires {requires!r}", "use plain, timescaledb or timescaledb-community")
        return cls(int(match[1]), match[2], sql, requires)

    @property
    def sha256(self) -> str:
        """Checksum of the file."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True)
class MigrationReport:
    """What `migrate` found and did: `applied` are the names of the migrations applied now."""

    tier: Tier
    applied: tuple[str, ...]


def shipped_migrations() -> tuple[Migration, ...]:
    """The product's migrations, ascending."""
    folder = files("data") / "migrations"
    found = [Migration.parse(file.name, file.read_text()) for file in folder.iterdir() if file.name.endswith(".sql")]
    return tuple(sorted(found, key=lambda migration: migration.version))


def migrate(dsn: str, migrations: Sequence[Migration] | None = None) -> MigrationReport:
    """Bring the database at `dsn` to this version's schema. Safe to repeat and to run from several processes at once.

    The first run decides whether series are hypertables; TimescaleDB installed later does not convert them. Community
    features are added when the licence appears. Errors: InvalidInput for a DSN that is none; Conflict if an applied migration
    has changed or is unknown to this version, or TimescaleDB has gone; StoreUnavailable if the database does not answer.
    """
    wanted = shipped_migrations() if migrations is None else tuple(migrations)
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])  # released with the connection
            return _migrate(connection, wanted)
    except psycopg.ProgrammingError as error:
        if error.sqlstate is not None:
            raise
        raise InvalidInput("CPMS_DATABASE_URL", str(error).strip(), "give postgresql://user@host/database") from error
    except psycopg.OperationalError as error:
        raise StoreUnavailable(f"the database cannot be migrated: {error}") from error


def _migrate(connection: psycopg.Connection, wanted: Sequence[Migration]) -> MigrationReport:
    if connection.execute("SELECT to_regclass('schema_storage')").fetchone() == (None,):
        _create_extension(connection)
    connection.execute(_BOOKKEEPING)
    tier = _settle_storage(connection, detect_tier(connection))
    applied = _applied_checksums(connection)
    _require_unchanged(wanted, applied)
    new = [m for m in wanted if m.version not in applied and (m.requires is None or m.requires in _CAPABILITIES[tier])]
    for migration in new:
        _apply(connection, migration)
    return MigrationReport(tier, tuple(f"{m.version:04}_{m.name}" for m in new))


def detect_tier(connection: psycopg.Connection) -> Tier:
    """What TimescaleDB the database has, if any, and under which licence."""
    if connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is None:
        return Tier.PLAIN
    licence = connection.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    return Tier.COMMUNITY if licence == ("timescale",) else Tier.APACHE


def _create_extension(connection: psycopg.Connection) -> None:
    """Switch TimescaleDB on where the server has loaded it (its loader alone defines that setting)."""
    loaded = connection.execute("SELECT current_setting('timescaledb.disable_load', true)").fetchone()
    if loaded != (None,):
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")


def _settle_storage(connection: psycopg.Connection, detected: Tier) -> Tier:
    connection.execute(
        "INSERT INTO schema_storage (hypertables) VALUES (%s) ON CONFLICT DO NOTHING", [detected is not Tier.PLAIN]
    )
    hypertables = connection.execute("SELECT hypertables FROM schema_storage").fetchone() == (True,)
    if hypertables and detected is Tier.PLAIN:
        raise Conflict("the schema was made on TimescaleDB, and the extension is gone; install it again")
    return detected if hypertables else Tier.PLAIN


def _applied_checksums(connection: psycopg.Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT version, sha256 FROM schema_migrations").fetchall())


def _require_unchanged(wanted: Sequence[Migration], applied: dict[int, str]) -> None:
    known = {migration.version: migration for migration in wanted}
    for version, sha256 in applied.items():
        if version not in known:
            raise Conflict(f"the database has migration {version:04}, which this version does not know; upgrade cpms")
        if known[version].sha256 != sha256:
            raise Conflict(
                f"migration {version:04}_{known[version].name} was changed after it was applied; "
                "restore the file and put the change into a new migration"
            )


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql.encode())
        connection.execute(
            "INSERT INTO schema_migrations (version, name, sha256) VALUES (%s, %s, %s)",
            [migration.version, migration.name, migration.sha256],
        )
