"""The load benchmark: the service as users run it, beside three peers, on one PostgreSQL.

`python -m bench` measures and writes bench/results.md; `python -m bench.scale` draws cost against the amount of data.
Nothing of the service imports this.
"""
