"""A disk that is full for some users' tasks, as PostgreSQL reports it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg2

# The trigger comes after the row and its key are written: all of it must be undone.
_DISK_FULL = """
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER disk_full AFTER INSERT OR UPDATE ON tasks FOR EACH ROW
WHEN (starts_with(NEW.user_id, '{prefix}')) EXECUTE FUNCTION disk_full()
"""


@contextlib.contextmanager
def full_disk(url: str, prefix: str) -> Iterator[None]:
    """No task of a user whose id begins so can be written."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(_DISK_FULL.format(prefix=prefix))
        try:
            yield
        finally:
            cursor.execute("DROP FUNCTION disk_full CASCADE")
