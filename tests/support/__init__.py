"""Helpers for tests of several folders: processes, HTTP, ports, waiting, PostgreSQL, Redis, tokens."""
