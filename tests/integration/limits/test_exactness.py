"""Eight processes with wrong clocks at one limit: what the log itself says they were admitted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from bisect import bisect_left, bisect_right

from config.environment import BASE_DIR
from tests.services.redis import RedisUnderTest

PROCESSES = 8
LIMIT, WINDOW = 20, 1.5
WINDOW_MS = int(WINDOW * 1000)
LASTS_MS = 7_000


def hammered(server: RedisUnderTest) -> tuple[list[float], list[tuple[int, int]]]:
    """The moments of the admitted and the spans of the refused, of all processes, sorted."""
    with server.client() as client:
        until = client.time()[0] * 1000 + LASTS_MS
    skews = [-61.0, 61.0, 0.0, -7.3, 30.5, -0.2, 0.2, 3600.0]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    arguments = [server.url, str(LIMIT), str(WINDOW), str(until)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.integration.limits.hammer", *arguments, str(skew)],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for skew in skews[:PROCESSES]
    ]
    found = [json.loads(process.communicate(timeout=60)[0]) for process in running]
    admitted = sorted(at for each in found for at in each["admitted"])
    return admitted, sorted((before, after) for each in found for before, after in each["refused"])


def test_no_window_holds_more_and_nobody_is_refused_in_vain(redis_server: RedisUnderTest) -> None:
    """In every half-open window of the log at most the limit, and for each refusal that many were in its window."""
    admitted, refused = hammered(redis_server)
    assert len(admitted) >= LIMIT * 2
    assert len(refused) > len(admitted), "they were no load on the limit"
    for start in admitted:
        inside = bisect_left(admitted, start + WINDOW_MS) - bisect_left(admitted, start)
        assert inside <= LIMIT
    for before, after in refused:
        possible = bisect_right(admitted, after) - bisect_right(admitted, before - WINDOW_MS)
        assert possible >= LIMIT
