"""Two processes on one PostgreSQL and one Redis: a write by one shows at once on the other, and those who write at the
same time do not undo each other."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from assistant.documents import MOST_DOCUMENTS
from assistant.personas import MOST_PERSONAS
from tests.integration.assistant.worlds import Worlds, begun, tell
from tests.services.databases import NewDatabase
from tests.services.redis import RedisUnderTest

Order = dict[str, Any]


def asked(method: str, path: str, body: Any = None, *, who: str = "ada") -> Order:
    """A request."""
    return {"who": who, "method": method, "path": path, "body": body}


@pytest.fixture(scope="module")
def worlds(
    shared_redis: RedisUnderTest, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worlds]:
    """For all of these tests."""
    with begun(new_database, shared_redis, tmp_path_factory.mktemp("worlds")) as found:
        yield found


def made(worlds: Worlds, path: str, *bodies: Any, who: str = "ada") -> list[int]:
    """The numbers of what was made of the bodies."""
    return [body["data"]["id"] for _, body in tell(worlds.cached[0], [asked("POST", path, b, who=who) for b in bodies])]


def test_each_write_shows_at_once_in_every_list_of_the_other_process(worlds: Worlds) -> None:
    """Lists that contain it are loaded anew, and cached again after that."""
    a, b = worlds.cached
    (poet,) = made(worlds, "personas", {"name": "Poet"})
    (talk,) = made(worlds, "conversations", {"title": "o", "persona_id": poet})
    (note,) = made(worlds, "documents", {"name": "o.md", "text": "x"})
    one, messages, documents = f"personas/{poet}", f"conversations/{talk}/messages", ["documents", "documents?q=o"]
    lists = ["personas", "personas?ordering=-name", "personas?q=o"]
    talks = ["conversations", "conversations?q=o"]
    writes: list[tuple[Order, list[str]]] = [
        (asked("POST", "personas", {"name": "Joker"}), [*lists, "personas?active=true"]),
        (asked("PATCH", one, {"name": "Bold"}), [*lists, one, "personas?active=true"]),
        (asked("PATCH", one, {"is_active": False}), [*lists, one, "personas?active=true", "personas?active=false"]),
        (asked("PATCH", "personas/1", {"description": "Oh"}, who="admin"), ["personas", "personas?created_by=system"]),
        (asked("PUT", "personas/preference", {"persona_id": poet}), ["personas/preference"]),
        (asked("POST", "conversations", {"title": "o"}), [*talks, "stats"]),
        ({"write": "say", "conversation": talk, "role": "user", "content": "Hello"},
         [*talks, messages, f"{messages}?ordering=-created_at", "stats"]),
        (asked("POST", "documents", {"name": "oo.md", "text": "x"}), [*documents, "stats"]),
        (asked("DELETE", f"documents/{note}"), [*documents, "stats"]),
        (asked("DELETE", one), [*lists, one, "personas?active=false", "personas/preference", "conversations"]),
    ]  # fmt: skip
    for number, (write, paths) in enumerate(writes):
        writer, reader = ((a, b), (b, a))[number % 2]
        reads = [asked("GET", path) for path in paths]
        before = [tell(reader, reads) for _ in range(2)][1]
        assert all(body.get("cached") is not False for _, body in before)
        tell(writer, [write])
        now = tell(reader, reads)
        assert [body["data"] for status, body in now if status == 200] != [
            body["data"] for status, body in before if status == 200
        ], write
        for path, (_, body), (_, old) in zip(paths, now, before, strict=True):
            assert body.get("cached") is not True, (write, path)
            assert body != {**old, "cached": False}, (write, path)
        assert all(body.get("cached") is not False for _, body in tell(writer, reads))


def at_once(worlds: Worlds, *orders: list[Order]) -> list[list[Any]]:
    """What came of lists of orders, one for each process, begun at the same time."""
    with ThreadPoolExecutor(len(orders)) as pool:
        return list(pool.map(tell, worlds.cached, orders))


def test_a_quota_holds_against_uploads_at_once(worlds: Worlds) -> None:
    """Of two for the last free place, again and again, one is kept, and the other is told so."""
    upload = asked("POST", "documents", {"name": "a.txt", "text": "x"}, who="grace")
    last = asked("POST", "documents", {"name": "last.txt", "text": "x"}, who="grace")
    assert {status for status, _ in tell(worlds.cached[0], [upload] * (MOST_DOCUMENTS - 1))} == {201}
    for _ in range(40):
        assert sorted(each[0][0] for each in at_once(worlds, [last], [last])) == [201, 409]
        tell(worlds.cached[0], [{"write": "delete", "model": "document", "where": {"name": "last.txt"}}])
    assert tell(worlds.cached[0], [asked("GET", "stats", who="grace")])[0][1]["data"]["documents"] == MOST_DOCUMENTS - 1


def test_the_bound_on_personas_holds_against_those_who_make_them_at_once(worlds: Worlds) -> None:
    """Of two for the last free place, again and again, one is made, and the other is told so."""
    a = worlds.cached[0]
    mine = tell(a, [asked("GET", "profile", who="grace")])[0][1]["data"]["user_id"]
    total = tell(a, [asked("GET", f"personas?created_by={mine}", who="grace")])[0][1]["data"]["total"]
    made(worlds, "personas", *({"name": f"Fill {each}"} for each in range(total, MOST_PERSONAS - 1)), who="grace")
    lasts = [[asked("POST", "personas", {"name": f"Last {side}"}, who="grace")] for side in "ab"]
    for _ in range(40):
        assert sorted(each[0][0] for each in at_once(worlds, *lasts)) == [201, 409]
        tell(a, [{"write": "delete", "model": "persona", "where": {"name__startswith": "Last "}}])
    tell(a, [{"write": "delete", "model": "persona", "where": {"name__startswith": "Fill "}}])


def test_a_name_is_taken_once_by_those_who_try_at_once(worlds: Worlds) -> None:
    """The others are told so."""
    orders = [asked("POST", "personas", {"name": f"Persona {number}"}, who="grace") for number in range(30)]
    outcomes = at_once(worlds, orders, orders)
    for number in range(30):
        assert sorted(each[number][0] for each in outcomes) == [201, 400]


def test_the_version_counts_the_changes_of_those_who_change_at_once(worlds: Worlds) -> None:
    """None is lost."""
    before = tell(worlds.cached[0], [asked("GET", "personas/2")])[0][1]["data"]["version"]
    changes = [
        [asked("PATCH", "personas/2", {"description": f"{name}{number}"}, who="admin") for number in range(30)]
        for name in "ab"
    ]
    at_once(worlds, *changes)
    assert tell(worlds.cached[0], [asked("GET", "personas/2")])[0][1]["data"]["version"] == before + 60


def test_personas_that_go_while_they_are_chosen_leave_nothing_behind(worlds: Worlds) -> None:
    """Whoever is first: the choice is refused, or taken back. Nobody gets a 500 (which `tell` would not let pass)."""
    numbers = made(worlds, "personas", *({"name": f"Mask {number}"} for number in range(40)), who="admin")
    deletions = [asked("DELETE", f"personas/{number}", who="admin") for number in numbers]
    choices = [
        order
        for number in numbers
        for order in (
            asked("PUT", "personas/preference", {"persona_id": number}, who="admin"),
            asked("POST", "conversations", {"persona_id": number}, who="admin"),
        )
    ]
    deleted, chosen = at_once(worlds, deletions, choices)
    assert {status for status, _ in deleted} == {200}
    assert {status for status, _ in chosen} <= {200, 201, 400}
    for peer in worlds.cached:
        reads = [asked("GET", path, who="admin") for path in ("personas/preference", "conversations")]
        (_, preference), (_, talks) = tell(peer, reads)
        assert preference["data"]["persona_id"] is None
        assert {each["persona_id"] for each in talks["data"]["items"]} <= {None}


def test_a_persona_that_is_chosen_in_the_middle_of_its_deletion_goes(worlds: Worlds) -> None:
    """Who chooses it then is told that it is not there; the deletion does not fail at its COMMIT."""
    (mask,) = made(worlds, "personas", {"name": "Mask"})
    order = {"write": "delete_while_chosen", "persona": mask, "who": "ada"}
    assert tell(worlds.cached[0], [order]) == [["not there"]]
    assert tell(worlds.cached[1], [asked("GET", "personas/preference")])[0][1]["data"]["persona_id"] is None


def test_messages_that_come_at_once_have_one_order(worlds: Worlds) -> None:
    """The same on both processes, with none lost."""
    (talk,) = made(worlds, "conversations", {"title": "a"})
    said = [
        [{"write": "say", "conversation": talk, "role": "user", "content": f"{name}{number}"} for number in range(25)]
        for name in "ab"
    ]
    at_once(worlds, *said)
    pages = [asked("GET", f"conversations/{talk}/messages?page={page}") for page in (1, 2, 3)]
    one, other = ([body["data"]["items"] for _, body in tell(peer, pages)] for peer in worlds.cached)
    assert one == other
    contents = [item["content"] for page in one for item in page]
    for name in "ab":
        assert [each for each in contents if each.startswith(name)] == [f"{name}{number}" for number in range(25)]
