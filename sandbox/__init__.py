"""Local stand-ins for the outside providers: a separate process that speaks their wire formats.

It plays the outside world, so it imports nothing of the site and the site imports nothing of it.
Start it with `python -m sandbox --host 127.0.0.1 --port 0`.
"""
