"""Signed tokens (RFC 7515, 7517): how to parse one, and the keys that verify it. tokens.py checks the claims."""
