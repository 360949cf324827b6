"""Whatever ends a credential ends it for the next request that starts, on every process."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections
from django.test import RequestFactory

from accounts import api_keys, tokens
from accounts.identity import identity_of
from accounts.models import ApiKey, TokenFamily, User
from accounts.models.user import new_nonce
from tests.integration.accounts.credentials import REFUSED, empty_redis, new_user
from tests.integration.accounts.peers import Peer
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.redis import RedisUnderTest
from tests.services.site import base_environment

__all__ = ["empty_redis"]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class World:
    """Two processes, and a user whose token and key both of them have in the cache."""

    a: Peer
    b: Peer
    names: dict[str, Any]

    @property
    def credentials(self) -> dict[str, dict[str, str]]:
        """The header of each."""
        bearer = {"Authorization": f"Bearer {self.names['access']}"}
        return {"token": bearer, "key": {"X-API-Key": self.names["key"]}}

    def warm(self) -> None:
        """Both processes answer for both credentials without a query."""
        for peer, headers in itertools.product((self.a, self.b), self.credentials.values()):
            assert peer.ask(headers)["status"] == 200
            assert peer.ask(headers)["queries"] == 0


@pytest.fixture(scope="module")
def peers(
    shared_redis: RedisUnderTest,
    postgres_url: str,
    postgres_alias: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Peer]]:
    """Two processes with one PostgreSQL, migrated as `postgres_alias` is, and one Redis."""
    folder = tmp_path_factory.mktemp("peers")
    shared_redis.flush()
    environment = base_environment(folder, DATABASE_URL=postgres_url, REDIS_URL=shared_redis.url)
    with ExitStack() as stack:
        yield [stack.enter_context(Peer(environment, folder / f"{name}.log")) for name in ("a", "b")]


@pytest.fixture
def world(peers: list[Peer]) -> World:
    """A new user with a token and a key, in a group, known to both processes."""
    a, b = peers
    names = a.run(
        """
group = Group.objects.create(name=name)
group.permissions.add(Permission.objects.get(codename="view_group"))
user = User.objects.create_user(name, password="correct horse 42")
user.groups.add(group)
pair = post("/api/auth/token", {"username": name, "password": "correct horse 42"})
bearer = {"Authorization": "Bearer " + pair["access"]}
key = post("/api/auth/api-keys", {"name": "k", "scopes": ["read", "write"]}, bearer)["data"]
result = {"pk": user.pk, "group": group.pk, "key": key["key"], "key_id": key["id"], **pair}
""",
        name=f"peer{next(_numbers)}",
    )
    made = World(a, b, names)
    made.warm()
    return made


EVENTS = [
    # what happens, and what it ends
    ("post('/api/auth/logout', {'refresh': refresh})", "token"),
    ("[tokens_again := post('/api/auth/refresh', {'refresh': refresh}), ask_refused(refresh)]", "token"),
    ("TokenFamily.objects.filter(user_id=pk).update(revoked_at=now())", "token"),
    ("TokenFamily.objects.filter(user_id=pk).delete()", "token"),
    ("TokenFamily.objects.get(user_id=pk).delete()", "token"),
    ("sign_ins.sign_out_everywhere(User.objects.get(pk=pk))", "token"),
    ("User.objects.filter(pk=pk).update(session_nonce='x')", "token"),
    ("ApiKey.objects.filter(pk=key_id).update(revoked_at=now())", "key"),
    ("ApiKey.objects.filter(pk=key_id).update(expires_at=now())", "key"),
    ("ApiKey.objects.filter(pk=key_id).update(user_id=1)", "key"),
    ("ApiKey.objects.filter(user_id=pk).delete()", "key"),
    ("ApiKey.objects.bulk_update([ApiKey(pk=key_id, revoked_at=now())], ['revoked_at'])", "key"),
    ("post_with_bearer('/api/auth/password', {'old': 'correct horse 42', 'new': 'another horse 43'})", "token key"),
    ("sign_ins.change_password(User.objects.get(pk=pk), 'another horse 43')", "token key"),
    ("User.objects.filter(pk=pk).update(password=make_password('x'))", "token key"),
    ("User.objects.filter(pk=pk).update(password=make_password('correct horse 42'))", "token key"),
    ("User.objects.filter(pk=pk).update(password='!unusable')", "token key"),
    ("User.objects.filter(pk=pk).update(is_active=False)", "token key"),
    ("User.objects.bulk_update([User(pk=pk, is_active=False)], ['is_active'])", "token key"),
    ("(lambda user: (setattr(user, 'is_active', False), user.save()))(User.objects.get(pk=pk))", "token key"),
    ("User.objects.filter(pk=pk).delete()", "token key"),
    ("User.objects.get(pk=pk).delete()", "token key"),
]
HELPERS = """
def ask_refused(refresh):
    from django.test import Client
    again = Client().post("/api/auth/refresh", {"refresh": refresh}, content_type="application/json")
    assert again.status_code == 401, again.content
def post_with_bearer(path, body):
    return post(path, body, {"Authorization": "Bearer " + access})
"""


@pytest.mark.parametrize(("event", "ended"), EVENTS, ids=[event[:60] for event, _ in EVENTS])
def test_it_is_over_on_both_processes(world: World, event: str, ended: str) -> None:
    """On the one that did it and on the one that did not; and nothing else is."""
    world.a.run(HELPERS + event, **world.names)
    for peer, (kind, headers) in itertools.product((world.b, world.a), world.credentials.items()):
        answer = peer.ask(headers)
        if kind in ended.split():
            assert (answer["status"], answer["body"].encode()) == (401, REFUSED)
            assert answer["challenge"] == 'Bearer realm="api"'
        else:
            assert answer["status"] == 200


CHANGES = [
    ("User.objects.get(pk=pk).groups.clear()", []),
    ("User.objects.get(pk=pk).groups.set([])", []),
    ("User.groups.through.objects.filter(user_id=pk).delete()", []),
    ("Group.objects.get(pk=group).user_set.remove(pk)", []),
    ("Group.objects.get(pk=group).permissions.clear()", []),
    ("Group.objects.filter(pk=group).delete()", []),
    (
        "Group.objects.get(pk=group).permissions.add(Permission.objects.get(codename='add_group'))",
        ["auth.add_group", "auth.view_group"],
    ),
    (
        "User.objects.get(pk=pk).user_permissions.add(Permission.objects.get(codename='add_group'))",
        ["auth.add_group", "auth.view_group"],
    ),
    (
        "User.user_permissions.through.objects.bulk_create([User.user_permissions.through("
        "user_id=pk, permission=Permission.objects.get(codename='add_group'))])",
        ["auth.add_group", "auth.view_group"],
    ),
]


@pytest.mark.parametrize(("change", "permissions"), CHANGES, ids=[change[:60] for change, _ in CHANGES])
def test_what_a_user_may_do_is_seen_at_once(world: World, change: str, permissions: list[str]) -> None:
    """Permissions given and taken, also through groups, on both processes."""
    world.a.run(change, **world.names)
    for peer, headers in itertools.product((world.b, world.a), world.credentials.values()):
        assert json.loads(peer.ask(headers)["body"])["permissions"] == permissions


@pytest.mark.parametrize("staff", [True, False])
def test_becoming_staff_is_seen_at_once(world: World, staff: bool) -> None:
    """And ceasing to be."""
    world.a.run("User.objects.filter(pk=pk).update(is_staff=staff)", staff=not staff, **world.names)
    world.warm()
    world.a.run("User.objects.filter(pk=pk).update(is_staff=staff)", staff=staff, **world.names)
    for peer, headers in itertools.product((world.b, world.a), world.credentials.values()):
        assert json.loads(peer.ask(headers)["body"])["staff"] is staff


AT_ONCE = """
import threading
from contextlib import suppress
from unittest import mock
from django.db import connections
from accounts import tokens

claims, pairs, both_found_it_good = tokens.parse_refresh(refresh), [], threading.Barrier(2)
def new_token(real=tokens.RefreshToken):
    with suppress(threading.BrokenBarrierError):
        both_found_it_good.wait(1)  # the other one cannot come, as long as the row is locked
    return real()
def once():
    pairs.append(tokens.exchange(claims))
    connections.close_all()
with mock.patch.object(tokens, "RefreshToken", new_token):
    threads = [threading.Thread(target=once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
result = [pair.access if pair else None for pair in pairs]
"""


def test_of_two_exchanges_at_once_one_succeeds_and_the_family_ends(world: World) -> None:
    """A thief who is as quick as the owner gains nothing: the row is locked, and the second one finds it used."""
    accesses = world.a.run(AT_ONCE, **world.names)
    assert len(accesses) == 2
    got = [access for access in accesses if access is not None]
    assert len(got) == 1
    assert world.b.ask({"Authorization": f"Bearer {got[0]}"})["status"] == 401
    assert world.b.ask(world.credentials["token"])["status"] == 401
    assert world.b.ask(world.credentials["key"])["status"] == 200


def test_a_rolled_back_revocation_ends_nothing(world: World) -> None:
    """What was not committed did not happen."""
    world.a.run(
        """
try:
    with transaction.atomic():
        User.objects.filter(pk=pk).update(is_active=False)
        ApiKey.objects.filter(user_id=pk).delete()
        raise ValueError
except ValueError:
    pass
""",
        **world.names,
    )
    for peer, headers in itertools.product((world.b, world.a), world.credentials.values()):
        assert peer.ask(headers)["status"] == 200


def test_another_users_revocation_leaves_this_ones_entries_alone(world: World) -> None:
    """Tags are of one user."""
    world.a.run("User.objects.filter(username='grace').update(first_name=name)", name=f"Grace {next(_numbers)}")
    for peer, headers in itertools.product((world.b, world.a), world.credentials.values()):
        assert peer.ask(headers)["queries"] == 0


class Pause:
    """Stands in for `identity_of`: stops a loader after its last query, before its value is stored."""

    def __init__(self) -> None:
        self.entered, self.go = threading.Event(), threading.Event()

    def __call__(self, user: User) -> Any:
        found = identity_of(user)
        self.entered.set()
        assert self.go.wait(20)
        return found


def end_family(user: User) -> None:
    """Sign out."""
    TokenFamily.objects.filter(user=user).update(revoked_at=user.date_joined)


def end_by_nonce(user: User) -> None:
    """Sign out everywhere."""
    User.objects.filter(pk=user.pk).update(session_nonce=new_nonce())


def deactivate(user: User) -> None:
    """End the user."""
    User.objects.filter(pk=user.pk).update(is_active=False)


def end_key(user: User) -> None:
    """Revoke all keys."""
    ApiKey.objects.filter(user=user).update(revoked_at=user.date_joined)


def new_token(user: User) -> Callable[[], Any]:
    """A token's reader."""
    pair = tokens.issue(user, RequestFactory().post("/"))
    claims = tokens.parse_access(pair.access)
    assert claims is not None
    return lambda: tokens.granted_by_token(claims)


def new_reader_of_key(user: User) -> Callable[[], Any]:
    """A key's reader."""
    known = api_keys.make_key(user, name="k", scopes=["read"])[1].known
    return lambda: api_keys.granted_by_key(known)


ROUNDS = 250


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_redis")
@pytest.mark.parametrize(
    ("module", "make", "end"),
    [
        (tokens, new_token, end_family),
        pytest.param(tokens, new_token, end_by_nonce, marks=pytest.mark.long),
        pytest.param(tokens, new_token, deactivate, marks=pytest.mark.long),
        (api_keys, new_reader_of_key, end_key),
    ],
)
def test_a_reader_that_was_paused_brings_nothing_back(
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    make: Callable[[User], Callable[[], Any]],
    end: Callable[[User], None],
) -> None:
    """A loader that had read the rows stores what it read after they were changed; nobody is let in by that."""
    user = new_user()
    for _ in range(ROUNDS):
        user.refresh_from_db()
        if not user.is_active:
            User.objects.filter(pk=user.pk).update(is_active=True)
        read, pause = make(user), Pause()
        monkeypatch.setattr(module, "identity_of", pause)
        reading = in_thread(lambda read=read: _then_close(read))
        assert pause.entered.wait(20)
        end(user)
        pause.go.set()
        assert result(reading) is not None
        monkeypatch.setattr(module, "identity_of", identity_of)
        assert read() is None
        assert read() is None


def _then_close(read: Callable[[], Any]) -> Any:
    try:
        return read()
    finally:
        connections.close_all()
