from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from cpms.domain.errors import Conflict, InvalidInput, StoreUnavailable
from data.migrate import Migration, Tier, migrate, shipped_migrations
from tests.databases import TestServer

FIRST = Migration.parse("0001_first.sql", "CREATE TABLE first ();")
BROKEN = Migration.parse("0002_broken.sql", "CREATE TABLE second (); SELECT 1 / 0;")


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in found}


def test_every_migration_of_the_tier_is_applied_once(server: TestServer) -> None:
    dsn = server.empty()
    first = migrate(dsn)
    assert {"sites", "sessions", "samples", "grants"} <= tables(dsn)
    assert migrate(dsn) == type(first)(first.tier, ())


def test_plain_postgresql_has_day_partitions(embedded_server: TestServer) -> None:
    report = migrate(embedded_server.empty())
    assert report.tier is Tier.PLAIN
    assert "0004_day_partitions" in report.applied
    assert "0005_hypertables" not in report.applied


def test_timescaledb_has_hypertables(timescaledb_server: TestServer) -> None:
    dsn = timescaledb_server.empty()
    report = migrate(dsn)
    assert report.tier is Tier.APACHE
    assert "0004_day_partitions" not in report.applied
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT hypertable_name FROM timescaledb_information.hypertables").fetchall()
    assert {name for (name,) in found} == {"samples", "feeder_measurements", "raw_messages"}


def test_processes_that_start_at_once_migrate_once(server: TestServer) -> None:
    dsn = server.empty()
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: migrate(dsn), range(4)))
    assert sorted(len(report.applied) > 0 for report in reports) == [False, False, False, True]


def test_a_migration_that_fails_leaves_nothing_behind(embedded_server: TestServer) -> None:
    dsn = embedded_server.empty()
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(dsn, [FIRST, BROKEN])
    assert "first" in tables(dsn)
    assert "second" not in tables(dsn)
    assert migrate(dsn, [FIRST]).applied == ()


def test_a_migration_changed_after_it_was_applied_is_refused(embedded_server: TestServer) -> None:
    dsn = embedded_server.empty()
    migrate(dsn, [FIRST])
    changed = Migration.parse("0001_first.sql", "CREATE TABLE first (more integer);")
    with pytest.raises(Conflict, match="0001_first was changed"):
        migrate(dsn, [changed])


def test_a_database_of_a_newer_version_is_refused(embedded_server: TestServer) -> None:
    dsn = embedded_server.empty()
    migrate(dsn, [FIRST])
    with pytest.raises(Conflict, match="upgrade cpms"):
        migrate(dsn, [])


def test_timescaledb_that_has_gone_is_said(timescaledb_server: TestServer) -> None:
    dsn = timescaledb_server.empty()
    migrate(dsn, [FIRST])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP EXTENSION timescaledb")
    with pytest.raises(Conflict, match="install it again"):
        migrate(dsn, [FIRST])


def test_timescaledb_that_comes_later_does_not_convert_what_is_there(timescaledb_server: TestServer) -> None:
    dsn = timescaledb_server.empty()
    migrate(dsn, [])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE schema_storage SET hypertables = false")
    assert "0004_day_partitions" in migrate(dsn).applied


def test_a_database_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="cannot be migrated"):
        migrate("postgresql:///cpms?host=/nonexistent")


@pytest.mark.parametrize(("name", "sql"), [("first.sql", ""), ("0001_a.sql", "-- requires: oracle\n")])
def test_a_file_that_is_no_migration_is_named(name: str, sql: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        Migration.parse(name, sql)


def test_shipped_migrations_are_numbered_without_gaps() -> None:
    versions = [migration.version for migration in shipped_migrations()]
    assert versions == list(range(1, len(versions) + 1))
