"""The load benchmark: the service as users run it, and three peers, on one PostgreSQL.

`python -m bench` measures and writes bench/results.md; `python -m bench.scale` plots latency by the amount of data.
The service imports nothing from here.
"""
