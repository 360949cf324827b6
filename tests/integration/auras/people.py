"""People who use the auras' routes, by session, token or key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.integration.accounts.credentials import PASSWORD, make_key, new_user, sign_in

WAYS = ["session", "token", "key"]
CREATE = "/create-agent-aura"


@dataclass
class Person:
    """A user, and one way to be that user."""

    user: Any
    client: Client
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str = "", body: object = None, **headers: str) -> HttpResponse:
        """A request to what is below `/api/auras`; a body of text is sent as it is."""
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        kind = "application/json"
        return self.client.generic(
            method, f"/api/auras{path}", text, content_type=kind, headers={**self.headers, **headers}
        )

    def make(self, name: str, **fields: Any) -> Any:
        """A new aura, as the answer shows it."""
        answer = self.send("POST", CREATE, {"name": name, **fields})
        assert answer.status_code == 201, answer.content
        return answer.json()["data"]

    def data(self, path: str = "") -> Any:
        """What GET shows."""
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.content
        return answer.json()["data"]

    def names(self, path: str = "") -> list[str]:
        """Those on a page."""
        return [item["name"] for item in self.data(path)["items"]]


def person(way: str = "token", *, scopes: tuple[str, ...] = ("read", "write"), checks: bool = False) -> Person:
    """Somebody; `checks`: the session's requests need its CSRF token."""
    user = new_user()
    if way == "session":
        browser = Client(enforce_csrf_checks=checks)
        assert browser.login(username=user.username, password=PASSWORD)
        return Person(user, browser)
    signed_in = sign_in(Client(), user)
    if way == "token":
        return Person(user, Client(), signed_in.bearer)
    key = make_key(Client(), signed_in, scopes=list(scopes))["key"]
    return Person(user, Client(), {"X-API-Key": key})
