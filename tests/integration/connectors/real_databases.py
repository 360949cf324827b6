"""Each test on PostgreSQL and on a SQLite file, in which transactions commit and threads have connections of their own;
and a person's walk to a platform and back without the site's routes around it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import User
from connectors import authorizations
from connectors.models import AuthorizationRequest, ExtractedItem, ExtractionJob, PlatformConnection, TokenRevocation
from connectors.providers import get_provider
from connectors.tokens import Tokens, opened
from tests.integration.connectors.platforms import consent, take_all_for_well
from tests.services.sandbox import SandboxUnderTest

NAME = "walker"
BINDING = "session:of-a-test"
_numbers = itertools.count(1)


class Router:
    """All models live in one database."""

    def __init__(self, alias: str) -> None:
        self.db_for_read = self.db_for_write = lambda *_models, **_hints: alias
        self.allow_relation = lambda *_objects, **_hints: True


@pytest.fixture(params=["postgres", "lite"])
def database(request: pytest.FixtureRequest, settings: Any, django_db_blocker: Any) -> Iterator[str]:
    """The database that all models use in this test, by its alias."""
    alias = request.getfixturevalue("postgres_alias" if request.param == "postgres" else "sqlite_alias")
    settings.DATABASE_ROUTERS = [Router(alias)]
    with django_db_blocker.unblock():
        _empty()
        yield alias
        _empty()
        connections[alias].close()


class Walks:
    """The sandbox's platforms, as people and operators use them."""

    def __init__(self, sandbox: SandboxUnderTest, browser: httpx.Client) -> None:
        self.sandbox = sandbox
        self.url = sandbox.url
        self.control = sandbox.oauth
        self._browser = browser

    def consent(self, url: str, **choices: str) -> dict[str, str]:
        """What the platform sends people back with."""
        return consent(self.sandbox, url, **choices)

    def fault(self, service: str, mode: str) -> None:
        """Break the authorization servers (`oauth`) or the data (`platform`)."""
        self.sandbox.fault(service=service, mode=mode)

    def opens(self, token: str, path: str) -> bool:
        """Whether an access token opens `path` of a platform's data."""
        answer = self._browser.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code == 200


@pytest.fixture
def walks(sandbox: SandboxUnderTest, settings: Any) -> Iterator[Walks]:
    """The sandbox's platforms, nothing known of earlier failures."""
    settings.SANDBOX_URL = sandbox.url
    take_all_for_well()
    with httpx.Client(trust_env=False, timeout=10.0, verify=False) as browser:
        yield Walks(sandbox, browser)
    take_all_for_well()


def _empty() -> None:
    User.objects.filter(username__startswith=NAME).delete()
    TokenRevocation.objects.all().delete()


def new_user() -> User:
    """Somebody."""
    return User.objects.create_user(f"{NAME}{next(_numbers)}", password=None)


def sent(user: User, slug: str, *, binding: str = BINDING) -> str:
    """The address of the consent page, for a walk that begins now."""
    return authorizations.begin(user_id=user.pk, provider=get_provider(slug), binding=binding)


def back(user: User, given: dict[str, str], *, binding: str = BINDING) -> PlatformConnection:
    """Come back with what the platform gave."""
    return authorizations.complete(
        user_id=user.pk, binding=binding, code=given["code"], state=given["state"], iss=given.get("iss")
    )


def connected(walks: Walks, user: User, slug: str, *, account: str = "ada") -> PlatformConnection:
    """The connection after a walk to the platform and back."""
    return back(user, walks.consent(sent(user, slug), account=account))


def tokens_of(row: PlatformConnection) -> Tokens:
    """What the row keeps, decrypted."""
    row.refresh_from_db()
    return opened(row.sealed_tokens, user_id=row.user_id, provider=row.provider)


def extracted(row: PlatformConnection) -> ExtractionJob:
    """A running job of that connection, with one item so far."""
    row.items.create(user_id=row.user_id, item_id="1", kind="plays", title="a song", happened_at=timezone.now())
    PlatformConnection.objects.filter(pk=row.pk).update(last_sync_at=timezone.now(), last_sync_status="completed")
    return ExtractionJob.objects.create(
        connection=row, user_id=row.user_id, provider=row.provider, state="running", lease="x"
    )


def counts(user: User) -> tuple[int, int]:
    """How many connections and walks a user has."""
    mine = {"user_id": user.pk}
    return PlatformConnection.objects.filter(**mine).count(), AuthorizationRequest.objects.filter(**mine).count()


def items_of(user: User) -> int:
    """How many items were extracted."""
    return ExtractedItem.objects.filter(user_id=user.pk).count()


def at_once(threads: int, call: Callable[[], Any]) -> list[Any]:
    """What `call` gave or raised in so many threads that begin together."""
    results: list[Any] = []
    barrier = threading.Barrier(threads)

    def run() -> None:
        barrier.wait(20)
        try:
            results.append(call())
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    started = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(30)
    assert len(results) == threads
    return results


class Paused:
    """`call`, which in each call first does its work and then stops until `go`; in a thread, with its result."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self._done = threading.Event()
        self._go = threading.Event()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = self._call(*args, **kwargs)
        self._done.set()
        assert self._go.wait(20), "nobody let it go on"
        return found

    def wait(self) -> None:
        """Until it has done its work."""
        assert self._done.wait(20), "it was never called"

    def go(self) -> None:
        """Let it return."""
        self._go.set()


def in_thread(call: Callable[[], Any]) -> Callable[[], Any]:
    """Begin `call`; the function that waits for its result, or raises what it raised."""
    results: list[Any] = []

    def run() -> None:
        results.extend(at_once(1, call))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def finish() -> Any:
        thread.join(30)
        (found,) = results
        if isinstance(found, Exception):
            raise found
        return found

    return finish
