"""PostgreSQL: how a statement is run (`database.py` is the entry), and the embedded server for when no URL is set.

Nothing here knows of tasks, users or HTTP, and nothing here imports from the rest of `api/`.
"""
