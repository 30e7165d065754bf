"""The tasks backend.

A request's path: `server/` reads it; `middleware.py` authenticates the caller; a resource in `resources.py` has
`validation.py` turn the body into values and makes one call into the core (`tasks.py`, `task_list.py`, `accounts.py`);
the core runs one statement through `postgres/database.py`. Errors become responses in `errors.py` alone.

`app.py` wires all of it, `contracts.py` describes the route families, `settings.py` lists the settings. The start is
in `serve.py`.
"""

__version__ = "0.1.0"
