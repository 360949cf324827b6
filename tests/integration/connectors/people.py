"""People who connect platforms: by browser, with a token, and with a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.http import HttpResponse
from django.test import Client

from tests.integration.accounts.credentials import make_key, new_user, sign_in
from tests.integration.connectors.platforms import consent
from tests.services.sandbox import SandboxUnderTest

HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
CALLBACK = "/api/connectors/callback"


@dataclass(frozen=True)
class Way:
    """One way to be somebody: a client, and the headers that it sends."""

    client: Client
    headers: dict[str, str]

    def get(self, path: str, query: Any = None, **headers: str) -> HttpResponse:
        """GET, as JSON unless told otherwise."""
        return self.client.get(path, query, headers={**self.headers, **headers})

    def post(self, path: str, body: object = None, **headers: str) -> HttpResponse:
        """POST `body` as JSON."""
        given = {"content_type": "application/json", "headers": {**self.headers, **headers}}
        return self.client.post(path, **given) if body is None else self.client.post(path, body, **given)

    def delete(self, path: str) -> HttpResponse:
        """DELETE."""
        return self.client.delete(path, headers=self.headers)

    def begin(self, provider: str) -> str:
        """The address of the consent page."""
        answer = self.post(f"/api/connectors/{provider}/authorize")
        assert answer.status_code == 200, answer.content
        return str(answer.json()["data"]["authorization_url"])

    def finish(self, given: dict[str, str]) -> HttpResponse:
        """Bring back what the platform gave, as programs do."""
        return self.post(CALLBACK, given)


@dataclass(frozen=True)
class Person:
    """A user, and each way to be that user."""

    user: AbstractUser
    session: Way
    token: Way
    key: Way

    @property
    def id(self) -> int:
        """The user's number."""
        return int(self.user.pk)

    @property
    def ways(self) -> dict[str, Way]:
        """By name."""
        return {"session": self.session, "token": self.token, "key": self.key}

    @property
    def status_path(self) -> str:
        """The route of this person's status."""
        return f"/api/connectors/status/{self.id}"

    def status(self, way: str = "token") -> dict[str, Any]:
        """The answer of the status, parsed."""
        answer = self.ways[way].get(self.status_path)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def state(self, provider: str) -> dict[str, Any]:
        """One platform in the status, which may come from the cache."""
        return platform_in(self.status(), provider)


def new_person(**fields: Any) -> Person:
    """Somebody who is signed in in each way; the key may write."""
    user = new_user(**fields)
    signed_in = sign_in(Client(), user)
    key = make_key(Client(), signed_in, scopes=["read", "write"])["key"]
    browser = Client()
    browser.force_login(user)
    return Person(
        user=user,
        session=Way(browser, {}),
        token=Way(Client(), signed_in.bearer),
        key=Way(Client(), {"X-API-Key": key}),
    )


def connect(sandbox: SandboxUnderTest, way: Way, provider: str, **choices: str) -> dict[str, Any]:
    """Go the whole way; the platform's state as the callback answers it."""
    answer = way.finish(consent(sandbox, way.begin(provider), **choices))
    assert answer.status_code == 200, answer.content
    return dict(answer.json()["data"])


def platform_in(status: dict[str, Any], provider: str) -> dict[str, Any]:
    """One platform of a status."""
    (found,) = [each for each in status["data"]["platforms"] if each["provider"] == provider]
    return dict(found)


def assert_problem(answer: HttpResponse, status: int) -> dict[str, Any]:
    """The answer is a problem response, kept nowhere; its body."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    return dict(answer.json())
