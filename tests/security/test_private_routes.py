"""No user ever gets another one's bytes: on every route that is somebody's, with warm caches and odd headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import Profile, Subscription
from assistant.conversations import append, begin
from assistant.models import Conversation, Document, Persona
from auras.models import Aura
from connectors.models import ExtractedItem, ExtractionJob, PlatformConnection
from tests.integration.accounts.credentials import PASSWORD, empty_redis, make_key, new_user, sign_in  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]

WAYS = {
    "api/profile": {"session", "token", "key"},
    "api/subscription": {"session", "token", "key"},
    "api/auth/api-keys": {"session", "token"},
    "api/oauth-connections": {"session", "token", "key"},
    "api/connectors/status/<int:user_id>": {"session", "token", "key"},
    "api/extraction-jobs/<uuid:job_id>": {"session", "token", "key"},
    "api/signature/<int:user_id>": {"session", "token", "key"},
    "api/personas": {"session", "token", "key"},
    "api/personas/<int:persona_id>": {"session", "token", "key"},
    "api/personas/preference": {"session", "token", "key"},
    "api/conversations": {"session", "token", "key"},
    "api/conversations/<int:conversation_id>/messages": {"session", "token", "key"},
    "api/documents": {"session", "token", "key"},
    "api/stats": {"session", "token", "key"},
    "api/auras": {"session", "token", "key"},
    "api/auras/<int:aura_id>": {"session", "token", "key"},
}
PRIVATE_API = list(WAYS)
PRIVATE_PAGES = [
    "accounts/", "accounts/password/", "accounts/sessions/", "accounts/api-keys/", "connectors/", "assistant/",
    "assistant/<int:conversation_id>/", "assistant/personas/", "assistant/personas/<int:persona_id>/",
    "assistant/documents/",
]  # fmt: skip
FRAGMENTS = ["connectors/jobs/<uuid:job_id>/", "cards/platforms", "cards/subscription"]
"""Parts of private pages."""
NAMELESS = {
    "accounts/password/", "api/extraction-jobs/<uuid:job_id>", "api/signature/<int:user_id>",
    "api/personas/preference", "api/stats",
}  # fmt: skip
"""What does not say its owner's name."""
SHOWING_WHO_IT_IS = ["", "api/docs", "api/docs/try"]
"""Pages for everybody, whose menu names who is signed in."""
NOT_PRIVATE = {
    "health", "health/live", "health/ready", "metrics", "api/cache/stats", "api/admin/cache-stats",
    "api/weather/current", "api/weather/forecast", "api/weather/places", "api/news", "cards/weather", "cards/news",
    "cards/places", "api/schema", "accounts/login/",
    "admin/cache/", "admin/cache/<str:name>/", "admin/cache/flush/", "admin/cache/flush/confirm/",
}  # fmt: skip
ANSWERING_POST_ALONE = {
    "accounts/logout/", "api/auth/token", "api/auth/refresh", "api/auth/logout", "api/auth/password",
    "api/auth/api-keys/<int:key_id>", "api/connectors/<slug:provider>/authorize",
    "api/connectors/<slug:provider>/<int:user_id>", "api/connectors/<slug:provider>/<int:user_id>/extract",
    "api/connectors/reset/<int:user_id>", "api/chat", "api/conversations/<int:conversation_id>",
    "api/documents/<int:document_id>", "api/auras/create-agent-aura", "api/cache/flush",
}  # fmt: skip
"""Or DELETE."""
COMING_BACK = {"api/connectors/callback"}
"""A GET that changes something; test_oauth_attacks is about it."""


@dataclass
class Person:
    """A user, and each way to be that user."""

    name: str
    user: Any
    browser: Client
    token: str
    key: str
    job: str
    talk: Conversation
    aura: Aura

    def address(self, route: str) -> str:
        """The route of what is this person's."""
        numbers = {
            "<int:user_id>": self.user.pk,
            "<uuid:job_id>": self.job,
            "<int:persona_id>": self.talk.persona_id,
            "<int:conversation_id>": self.talk.pk,
            "<int:aura_id>": self.aura.pk,
        }
        for place, number in numbers.items():
            route = route.replace(place, str(number))
        return f"/{route}"

    def ways(self) -> dict[str, tuple[Client, dict[str, str]]]:
        """A client and headers for each."""
        return {
            "session": (self.browser, {}),
            "token": (Client(), {"Authorization": f"Bearer {self.token}"}),
            "key": (Client(), {"X-API-Key": self.key}),
        }


def person(name: str) -> Person:
    """Somebody whose name is in everything that is theirs."""
    user = new_user(first_name=name, last_name=name, email=f"{name}@example.org")
    Profile.objects.create(user=user, display_name=name, settings={"of": name})
    Subscription.objects.create(user=user, usage={name: 1})
    job = finished_job(user, name)
    talk = talk_of(user, name)
    aura = Aura.objects.create(user=user, name=name)
    browser = Client(headers={"user-agent": name})
    signed_in = sign_in(Client(), user)
    key = make_key(Client(), signed_in, name=name)["key"]
    assert browser.login(username=user.username, password=PASSWORD)
    return Person(name, user, browser, signed_in.access, key, str(job.pk), talk, aura)


def talk_of(user: Any, name: str) -> Conversation:
    """With a persona of the user's own, and a document beside it."""
    persona = Persona.objects.create(name=name, created_by=user)
    Document.objects.create(user=user, name=f"{name}.txt", size=1, sha256="", text=name)
    talk = begin(user.pk, persona_id=persona.pk, title=name)
    append(talk, role="user", content=name)
    return talk


def finished_job(user: Any, name: str) -> ExtractionJob:
    """Of a platform that this user has connected, and that has something of theirs."""
    row = PlatformConnection.objects.create(user=user, provider="tunebox", status="connected", account_name=name)
    ExtractedItem.objects.create(
        connection=row, user=user, item_id=name, kind="plays", title=name, labels=[name], happened_at=timezone.now()
    )
    return ExtractionJob.objects.create(connection=row, user=user, provider="tunebox", state="completed", items_done=1)


@pytest.fixture
def people() -> tuple[Person, Person]:
    """Two of them."""
    return person("Hypatia"), person("Zenobia")


def test_every_route_is_known_to_be_private_or_not() -> None:
    """A route that is new has to be put into one of the lists above."""
    private = {*PRIVATE_API, *PRIVATE_PAGES, *FRAGMENTS}
    known = private | {*SHOWING_WHO_IT_IS, *NOT_PRIVATE, *ANSWERING_POST_ALONE, *COMING_BACK}
    assert set(routes(get_resolver().url_patterns)) == known


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """The site's routes, the admin's apart."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield before + str(pattern.pattern)
        elif pattern.namespace != "admin":
            yield from routes(pattern.url_patterns, before + str(pattern.pattern))


ODD: dict[str, Callable[[Person], dict[str, str]]] = {
    "nothing": lambda other: {},
    "vary": lambda other: {"Vary": "*", "Cache-Control": "only-if-cached, max-stale=99999"},
    "another's address": lambda other: {"X-Forwarded-User": other.user.username, "X-User-Id": str(other.user.pk)},
    "a method to replace it": lambda other: {"X-HTTP-Method-Override": "PATCH", "X-Original-URL": "/api/subscription"},
    "no-cache": lambda other: {"Cache-Control": "no-cache", "Pragma": "no-cache"},
    "a host": lambda other: {"X-Forwarded-Host": "example.org", "Forwarded": "for=127.0.0.1"},
    "accept": lambda other: {"Accept": "text/html, application/json;q=0.1", "Accept-Encoding": "gzip"},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_each_gets_what_is_theirs(people: tuple[Person, Person], odd: Callable[[Person], dict[str, str]]) -> None:
    """In turns, by every way, with another's id in the query and with headers that might confuse a cache."""
    for _ in range(2):
        for one, other in (people, people[::-1]):
            for route in (*PRIVATE_API, *PRIVATE_PAGES, *FRAGMENTS, *SHOWING_WHO_IT_IS):
                for way, (client, headers) in one.ways().items():
                    if way not in WAYS.get(route, {"session"}):
                        continue
                    query = {"user_id": str(other.user.pk), "user": other.user.username}
                    answer = client.get(one.address(route), query, headers={**headers, **odd(other)})
                    assert_theirs(answer, one, other, route)


def assert_theirs(answer: HttpResponseBase, one: Person, other: Person, route: str) -> None:
    """It is there, names its owner and not the other one, and no shared cache may keep it."""
    body = (answer.getvalue() if answer.streaming else answer.content).decode()  # type: ignore[attr-defined]
    assert answer.status_code == 200, route
    assert other.name.lower() not in body.lower(), route
    assert other.user.username not in body, route
    assert other.job not in body, route
    if route not in NAMELESS:
        assert one.name in body, route
    elif route in PRIVATE_API:
        assert f'"user_id":{one.user.pk},' in body, route
    assert set(answer["Cache-Control"].replace(" ", "").split(",")) & {"private", "no-store"}, route
    assert "public" not in answer["Cache-Control"], route
    if "no-store" not in answer["Cache-Control"]:
        assert "Cookie" in answer["Vary"], route
    if route in PRIVATE_API and "no-store" not in answer["Cache-Control"]:
        assert {"Authorization", "Cookie", "X-API-Key"} <= set(answer["Vary"].replace(" ", "").split(","))


@pytest.mark.parametrize("route", [route for route in PRIVATE_API if route != "api/auth/api-keys"])
def test_anothers_etag_is_not_mine(people: tuple[Person, Person], route: str) -> None:
    """A tag of the other's bytes never becomes a 304."""
    one, other = people
    tag = other.browser.get(other.address(route))["ETag"]
    answer = one.browser.get(one.address(route), headers={"If-None-Match": tag})
    assert_theirs(answer, one, other, route)


def test_the_header_counts_where_it_meets_anothers_cookie(people: tuple[Person, Person]) -> None:
    """Never a mixture, whichever was there first."""
    one, other = people
    for _ in range(2):
        answer = other.browser.get("/api/profile", headers={"Authorization": f"Bearer {one.token}"})
        assert_theirs(answer, one, other, "api/profile")
        answer = other.browser.get("/api/profile", headers={"X-API-Key": one.key})
        assert_theirs(answer, one, other, "api/profile")
        refused = other.browser.get("/api/profile", headers={"Authorization": "Bearer not.a.token"})
        assert refused.status_code == 401
        assert other.name not in refused.content.decode()


@pytest.mark.parametrize("route", [route for route in (*PRIVATE_API, *PRIVATE_PAGES, *FRAGMENTS) if "<" in route])
def test_anothers_number_is_a_404(people: tuple[Person, Person], route: str) -> None:
    """In whatever way one asks, and although its owner has warmed it; with the other's tag too."""
    one, other = people
    tag = other.browser.get(other.address(route)).headers.get("ETag", "*")
    for way, (client, headers) in one.ways().items():
        if way in WAYS.get(route, {"session"}):
            answer = client.get(other.address(route), headers={**headers, "If-None-Match": tag})
            assert answer.status_code == 404
            assert other.name.lower() not in answer.content.decode().lower()


@pytest.mark.parametrize("route", [*PRIVATE_API, *PRIVATE_PAGES, *FRAGMENTS])
def test_strangers_get_nothing(people: tuple[Person, Person], route: str) -> None:
    """Warm caches do not help them: 401 from the API, the sign-in page elsewhere."""
    for each in people:
        each.browser.get(each.address(route))
    answer = Client().get(people[0].address(route))
    assert answer.status_code == (401 if route in PRIVATE_API else 204 if route in FRAGMENTS else 302)
    for each in people:
        assert each.name not in answer.content.decode()


def test_a_key_that_is_anothers_cannot_be_deleted(people: tuple[Person, Person]) -> None:
    """404, and it goes on working."""
    one, other = people
    number = other.browser.get("/api/auth/api-keys").json()["data"]["items"][0]["id"]
    gone = Client().delete(f"/api/auth/api-keys/{number}", headers={"Authorization": f"Bearer {one.token}"})
    assert gone.status_code == 404
    assert Client().get("/api/profile", headers={"X-API-Key": other.key}).status_code == 200
