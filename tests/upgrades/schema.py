"""The schema of a database as PostgreSQL's catalog has it, to be compared with another's."""

from __future__ import annotations

from typing import Any

from api.postgres.database import Database

QUERIES = {
    "columns": """
        SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attcollation::regcollation::text,
               attnotnull, attidentity, pg_get_expr(adbin, adrelid)
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attnum > 0 AND NOT attisdropped
          AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')
    """,
    "domains": """
        SELECT typname, format_type(typbasetype, typtypmod), typnotnull FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND typtype = 'd'
    """,
    "constraints": """
        SELECT conrelid::regclass::text, format_type(contypid, NULL), conname, pg_get_constraintdef(oid), convalidated
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
    "indexes": """
        SELECT tablename, indexname, indexdef, indisvalid FROM pg_indexes
        JOIN pg_index ON indexrelid = to_regclass(quote_ident(indexname)) WHERE schemaname = 'public'
    """,
    "sequences": """
        SELECT sequencename, data_type::text, start_value, min_value, max_value, increment_by, cycle
        FROM pg_sequences WHERE schemaname = 'public'
    """,
}


def read_schema(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the schema `public`, by kind."""
    return {kind: sorted(database.run(query), key=repr) for kind, query in QUERIES.items()}


def read_indexes(database: Database) -> dict[str, tuple[str, bool]]:
    """The definition of each index of the tasks, and whether it is valid."""
    return {
        name: (definition, valid)
        for table, name, definition, valid in read_schema(database)["indexes"]
        if table == "tasks"
    }
