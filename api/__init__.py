"""The tasks backend.

A request's path: `server/` reads it. `middleware.py` authenticates the caller. A resource in `resources.py` validates
the body with `validation.py` and makes one call into the core (`tasks.py`, `task_list.py`, `accounts.py`). The core
runs one statement through `postgres/database.py`. Only `error_handlers.py` turns an exception into a response.

`app.py` wires the parts, `profiles/` describes the wire formats, `settings.py` lists the settings. `serve.py`
starts the service.
"""

__version__ = "0.1.0"
