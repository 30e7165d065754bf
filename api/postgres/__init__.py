"""Connections to PostgreSQL, and the embedded server where none is given. What the service asks is in its queries;
how a statement is run and what its errors become is in `api/postgres/database.py`.
"""
