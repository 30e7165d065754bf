"""The parts that tests of several folders share: processes, HTTP, ports, waiting, PostgreSQL, Redis, tokens."""
