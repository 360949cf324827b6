"""Two processes on one database and one Redis: what one writes shows at once on the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.accounts.peers import Peer
from tests.integration.auras.people import CREATE
from tests.services.redis import RedisUnderTest
from tests.services.site import base_environment, copy_database

Order = tuple[str, dict[str, Any]]


@pytest.fixture
def auras() -> None:
    """In the place of this folder's: here other processes do everything, on servers of their own."""


@pytest.fixture
def peers(redis_server: RedisUnderTest, migrated_database: Path, tmp_path: Path) -> Iterator[tuple[Peer, Peer]]:
    """With the demo accounts."""
    database = tmp_path / "site.sqlite3"
    copy_database(migrated_database, database)
    environment = base_environment(tmp_path, REDIS_URL=redis_server.url, DATABASE_URL=f"sqlite:///{database}")
    with ExitStack() as stack:
        one, other = (stack.enter_context(Peer(environment, tmp_path / f"{name}.log")) for name in "ab")
        yield one, other


def do(peer: Peer, order: Order) -> Any:
    """What came of it."""
    name, given = order
    return peer.run(f"from tests.integration.auras.acting import {name}\nresult = {name}(**given)", given=given)


def asked(method: str, path: str = "", body: Any = None, *, who: str = "ada") -> Order:
    """A request."""
    return "ask", {"who": who, "method": method, "path": path, "body": body}


def test_each_write_shows_at_once_on_the_other_process(peers: tuple[Peer, Peer]) -> None:
    """Of the routes and of the ORM, in the list and where it is looked at alone; and it is cached again after that."""
    status, body = do(peers[0], asked("POST", CREATE, {"name": "One"}))
    assert status == 201
    path = f"/{body['data']['id']}"
    writes: list[tuple[Order, str, list[str]]] = [
        (asked("POST", CREATE, {"name": "Two"}), "ada", ["Two", "One"]),
        (asked("PATCH", path, {"name": "Three"}), "ada", ["Two", "Three"]),
        (("update", {"name": "Three", "values": {"name": "Four"}}), "ada", ["Two", "Four"]),
        (("add", {"who": "ada", "names": ["Five"]}), "ada", ["Five", "Two", "Four"]),
        (("give", {"name": "Five", "to": "grace"}), "ada", ["Two", "Four"]),
        (("give", {"name": "Two", "to": "grace"}), "grace", ["Five", "Two"]),
        (("remove", {"name": "Two"}), "grace", ["Five"]),
        (asked("DELETE", path), "ada", []),
    ]
    for number, (write, who, names) in enumerate(writes):
        writer, reader = peers if number % 2 else peers[::-1]
        warm = [do(reader, asked("GET", who=who))[1]["cached"] for _ in range(2)]
        assert warm[1] is True, write
        do(writer, write)
        status, body = do(reader, asked("GET", who=who))
        assert (body["cached"], [item["name"] for item in body["data"]["items"]]) == (False, names), write
        assert do(writer, asked("GET", who=who))[1] == {**body, "cached": True}, write
    assert do(peers[0], asked("GET", path))[0] == do(peers[1], asked("GET", path))[0] == 404
