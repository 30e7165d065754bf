"""As whom the embedded server is used, and runs: an ordinary role, and an account without root's rights."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg2
import pytest

from api.postgres.embedded import start_embedded, stop_embedded
from tests.postgres.embedded import execute
from tests.support.postgres import as_superuser

TO_SUPERUSER = """
REASSIGN OWNED BY tasks TO postgres;
ALTER DATABASE tasks OWNER TO postgres;
DROP ROLE tasks
"""
"""As version 0.1.0 left it."""

OBJECTS = """
CREATE DOMAIN color AS text CHECK (VALUE <> '');
CREATE TABLE notes (id bigserial PRIMARY KEY, shade color);
CREATE TABLE keyed (id bigint GENERATED ALWAYS AS IDENTITY, note bigint REFERENCES notes);
CREATE SEQUENCE lone;
CREATE VIEW colors AS SELECT shade FROM notes;
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE SCHEMA apart;
CREATE TABLE apart.notes ();
INSERT INTO notes (shade) VALUES ('red')
"""

NOT_OURS = """
SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace IN ('public'::regnamespace, 'apart'::regnamespace)
    AND pg_get_userbyid(relowner) <> 'tasks'
UNION ALL SELECT p.oid::regproc::text FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
    AND pg_get_userbyid(proowner) <> 'tasks'
UNION ALL SELECT t.oid::regtype::text FROM pg_type t WHERE typnamespace = 'public'::regnamespace
    AND pg_get_userbyid(typowner) <> 'tasks'
"""


def test_the_role_is_an_ordinary_one_that_owns_the_database(data_dir: Path) -> None:
    url = start_embedded(data_dir)
    attributes = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    assert execute(url, f"SELECT current_user::text, {attributes} FROM pg_roles WHERE rolname = current_user") == [
        ("tasks", False, False, False, False, False)
    ]
    execute(url, OBJECTS)
    for statement in ("CREATE ROLE other", "COPY notes TO PROGRAM 'true'", "SELECT pg_read_file('/etc/passwd')"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            execute(url, statement)


def test_data_that_the_superuser_owned_moves_over_at_the_next_start(data_dir: Path) -> None:
    url = start_embedded(data_dir)
    execute(url, OBJECTS)
    superuser = as_superuser(url)
    execute(superuser, TO_SUPERUSER)
    assert len(execute(superuser, NOT_OURS)) > 5
    stop_embedded(data_dir)
    for _ in range(2):
        url = start_embedded(data_dir)
        assert execute(url, NOT_OURS) == []
        assert execute(url, "INSERT INTO notes (shade) VALUES ('blue') RETURNING id > 1, one()") == [(True, 1)]
        execute(url, "ALTER TABLE notes ADD COLUMN IF NOT EXISTS more text; DROP VIEW IF EXISTS colors")
        stop_embedded(data_dir)


def test_a_start_as_root_says_which_modes_it_changes_and_any_other_changes_none(
    empty_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    private, closed = empty_dir / "private", empty_dir / "private" / "closed"
    closed.mkdir(parents=True)
    for directory in (private, closed):
        directory.chmod(0o700)
    try:
        start_embedded(closed / "data")
        said = [record.getMessage() for record in caplog.records if "changing the mode of" in record.getMessage()]
    finally:
        stop_embedded(closed / "data")
    is_root = os.geteuid() == 0
    assert [oct(directory.stat().st_mode & 0o777) for directory in (private, closed)] == (
        ["0o701"] * 2 if is_root else ["0o700"] * 2
    )
    assert sorted(line.split()[4] for line in said if f"{private}" in line.split()[4]) == (
        [str(private), str(closed), str(closed / "data")] if is_root else []
    )
    caplog.clear()
    start_embedded(closed / "data")
    stop_embedded(closed / "data")
    assert "changing the mode of" not in caplog.text
