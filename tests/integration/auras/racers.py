"""16 processes of the site that all try to make the same auras for one user, each as fast as it can.

Run as `python -m tests.integration.auras.racers`. For each line of its input it runs one race, and prints an array of
JSON for each answer, in the order in which they came: `[name, status, number of the aura]`; at the end of the race an
object with the numbers of the rows by name.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from typing import Any

import django

PROCESSES = 16
NAMES = [f"Aura {number:02}" for number in range(50)]
CREATE = "/api/auras/create-agent-aura"
PASSWORD = "a-password-for-races"


def main() -> None:
    """Fork before anything is connected, so that each has its own of everything."""
    django.setup()
    from django.test import Client
    from django.test.utils import setup_test_environment
    from django.urls import resolve

    setup_test_environment(debug=False)
    resolve(CREATE)  # imports once what each would import for itself
    Client().handler.load_middleware()
    context = multiprocessing.get_context("fork")
    reading, writing = os.pipe()
    ways = [context.Pipe() for _ in range(PROCESSES)]
    for near, _ in ways:
        ends = [far for _, far in ways]
        context.Process(target=race, args=(near, writing), kwargs={"others": [*ends, reading]}, daemon=True).start()
    with os.fdopen(reading, encoding="utf-8") as answers:
        for number, _ in enumerate(sys.stdin):
            user, headers = somebody(f"racer{os.getpid()}-{number}")
            for _, far in ways:
                far.send(headers)
            for _ in range(PROCESSES * len(NAMES)):
                print(answers.readline(), end="", flush=True)
            print(json.dumps(rows_of(user)), flush=True)
            user.delete()


def somebody(name: str) -> tuple[Any, dict[str, str]]:
    """A new user, and what says so in a request."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    user = get_user_model().objects.create_user(name, password=PASSWORD)
    body = {"username": name, "password": PASSWORD}
    answer = Client().post("/api/auth/token", body, content_type="application/json")
    return user, {"Authorization": f"Bearer {answer.json()['access']}"}


def race(near: Any, writing: int, *, others: list[Any]) -> None:
    """One process: in each race all names, in their order, each until there is an answer; it ends with its parent."""
    from django.test import Client

    for end in others:
        os.close(end if isinstance(end, int) else end.fileno())
    while True:
        try:
            headers = near.recv()
        except EOFError:
            os._exit(0)
        client = Client(headers=headers, raise_request_exception=False)
        for name in NAMES:
            while (answer := create(client, name)).status_code == 503:
                time.sleep(int(answer["Retry-After"]))
            os.write(writing, f"{json.dumps([name, answer.status_code, number_in(answer)])}\n".encode())


def create(client: Any, name: str) -> Any:
    """The answer."""
    return client.post(CREATE, {"name": name}, content_type="application/json")


def number_in(answer: Any) -> int | None:
    """Of the aura that it tells of."""
    if answer.status_code == 201:
        return int(answer.json()["data"]["id"])
    return int(answer.json()["existing_id"]) if answer.status_code == 409 else None


def rows_of(user: Any) -> dict[str, list[int]]:
    """What there is in the database."""
    from auras.models import Aura

    found = defaultdict(list)
    for name, number in Aura.objects.filter(user=user).values_list("name", "pk"):
        found[name].append(number)
    return found


if __name__ == "__main__":
    main()
