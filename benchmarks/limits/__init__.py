"""Rate limiters side by side: the same processes, with wrong clocks, ask each of them in the same bursts.

Run as `python -m benchmarks.limits`.
"""
