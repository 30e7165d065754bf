"""A frontend of another backend, made with Vue, and its tests against profiles: docs/frontends.md in a browser."""
