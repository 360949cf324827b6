"""A process of the site that does what it is told, a line of JSON at a time: for tests over several processes.

Run as `python -m tests.faults.actor`. It answers each line with one of its own. What it is told:
`{"do": "read"}`, `{"do": "write", "name": …, "die_after": …}`, `{"do": "rows"}`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import django

STEPS = ("update", "hold", "commit", "bump")


def main() -> None:
    """Answer until the input ends."""
    django.setup()
    from django.conf import settings

    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, **json.loads(os.environ["ACTOR_SETTINGS"])}
    policy = declared()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        answer = {"read": read, "write": write, "rows": rows}[order.pop("do")](policy, **order)
        print(json.dumps(answer), flush=True)


def declared() -> Any:
    """The policy that is read: a group's name, by its id."""
    from django.contrib.auth.models import Group

    from cache_platform import CachePolicy, register, tags_of

    tags_of(Group, "testgroup:{pk}")
    return register(CachePolicy(name="test.group", schema=str, params={"id": int}, tags=("testgroup:{id}",), ttl=600))


def load(id: int) -> str | None:
    """The name in the database."""
    from django.contrib.auth.models import Group

    return Group.objects.filter(pk=id).values_list("name", flat=True).first()


def read(policy: Any, id: int) -> dict[str, Any]:
    """What the platform gives."""
    from cache_platform import read

    found = read(policy, {"id": id}, load)
    return {"value": found.value, "cached": found.cached, "detail": found.detail}


def write(policy: Any, id: int, name: str, die_after: str = "") -> dict[str, Any]:
    """Change the name; die after a step when told so."""
    from django.contrib.auth.models import Group
    from django.db import transaction

    began = time.monotonic()
    with transaction.atomic():
        Group.objects.update_or_create(pk=id, defaults={"name": name})
        if die_after == "update":
            die()
        if die_after:
            die_later(die_after)
    return {"seconds": time.monotonic() - began}


def rows(policy: Any) -> dict[str, Any]:
    """How many rows the outbox has."""
    from cache_platform.models import OutboxRow

    return {"rows": OutboxRow.objects.count()}


def die_later(step: str) -> None:
    """Have the named step be this process's last."""
    from django.db import connections

    from cache_platform.stores import get_store

    if step == "commit":
        place: Any = type(connections["default"])
        step = "_commit"
    else:
        place = type(get_store())
    real: Callable[..., Any] = getattr(place, step)

    def then_die(*args: Any, **kwargs: Any) -> None:
        try:
            real(*args, **kwargs)
        finally:
            die()

    setattr(place, step, then_die)


def die() -> None:
    """As kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


if __name__ == "__main__":
    main()
