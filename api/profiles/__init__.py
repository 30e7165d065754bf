"""Frontend profiles: how another wire format differs from the canonical one, as data, compiled once at start.

`reading.py` reads a TOML file against `schema.json`. `wire_format.py` compiles it: where the tasks are, the fields
(`task_fields.py`), the list's query (`list_queries.py`), and the bodies (`templates.py`). The TOML files here ship with
the service; docs/frontends.md describes their keys.
"""
