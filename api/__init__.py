"""The tasks backend.

The way of one request: `server/` reads it, `middleware.py` says who is calling and whether they may, a resource in
`resources.py` has `validation.py` turn it into values and makes one call into the core (`tasks.py`, `task_list.py`,
`accounts.py`), which runs one statement through `postgres/`. Errors on that way become answers in `errors.py` alone.

`app.py` wires all of it; `contracts.py` says how the route families differ; `settings.py` is all that can be set.
"""
