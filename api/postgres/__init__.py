"""PostgreSQL: `database.py` runs statements, and `embedded.py` starts a server if no URL is set.

This package contains nothing about tasks, users or HTTP, and imports nothing from the rest of `api/`.
"""
