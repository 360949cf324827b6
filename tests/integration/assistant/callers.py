"""People who use the assistant's API, by session, token or key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client

from tests.integration.accounts.credentials import PASSWORD, make_key, new_user, sign_in

WAYS = ["session", "token", "key"]


@dataclass
class Caller:
    """A user, and one way to be that user."""

    user: Any
    client: Client
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, /, **query: Any) -> HttpResponse:
        """GET with a query."""
        return self.client.get(f"/api/{path}", query, headers=self.headers)

    def send(self, method: str, path: str, body: object = None, /) -> HttpResponse:
        """Any other method, with JSON."""
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        content_type = "application/json"
        return self.client.generic(method, f"/api/{path}", text, content_type=content_type, headers=self.headers)

    def post(self, path: str, body: object, /) -> Any:
        """What POST made; it has to be 201."""
        answer = self.send("POST", path, body)
        assert answer.status_code == 201, answer.content
        return answer.json()["data"]

    def upload(
        self, name: str, content: bytes, /, *, boundary: str = "xxBOUNDARYxx", given: bytes = b""
    ) -> HttpResponse:
        """A file as browsers send it; `given` stands in the place of its Content-Disposition."""
        head = given or f'form-data; name="file"; filename="{name}"'.encode("utf-8", "surrogateescape")
        body = b"--%b\r\nContent-Disposition: %b\r\nContent-Type: text/plain\r\n\r\n%b\r\n--%b--\r\n" % (
            boundary.encode(), head, content, boundary.encode(),
        )  # fmt: skip
        kind = f"multipart/form-data; boundary={boundary}"
        return self.client.generic("POST", "/api/documents", body, content_type=kind, headers=self.headers)

    def data(self, path: str, /, **query: Any) -> Any:
        """What GET shows; it has to be 200."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.content
        return answer.json()["data"]

    def names(self, path: str = "personas", /, **query: Any) -> list[str]:
        """The names on a page."""
        return [item["name"] for item in self.data(path, **query)["items"]]


def caller(way: str = "token", *, user: Any = None, staff: bool = False, may: tuple[str, ...] = ()) -> Caller:
    """Somebody; `may` names permissions of this app."""
    user = user or new_user(is_staff=staff)
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="assistant", codename__in=may))
    if way == "session":
        browser = Client()
        assert browser.login(username=user.username, password=PASSWORD)
        return Caller(user, browser)
    signed_in = sign_in(Client(), user)
    if way == "token":
        return Caller(user, Client(), signed_in.bearer)
    key = make_key(Client(), signed_in, scopes=["read", "write"])["key"]
    return Caller(user, Client(), {"X-API-Key": key})
