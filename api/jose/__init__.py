"""Signed tokens before their claims are judged (RFC 7515, 7517): taking one apart, and the keys that verify it."""
