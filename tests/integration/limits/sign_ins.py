"""All ways in which a running site is given a password."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from django.contrib.auth.hashers import make_password

from tests.services.fixtures import SiteFactory
from tests.services.site import SiteUnderTest

PASSWORD = "correct horse 42 staple"
NEW = "another horse 43 staple"
CSRF = "c" * 32
"""A browser's CSRF cookie, and so what its forms must say."""


def start(site: SiteFactory, names: Iterable[str], *, workers: int = 2, **variables: str) -> SiteUnderTest:
    """A site with staff accounts of these names, all with PASSWORD, which is checked quickly."""
    return with_accounts(site(workers=workers, **variables), names)


def with_accounts(running: SiteUnderTest, names: Iterable[str]) -> SiteUnderTest:
    """The same site, with staff accounts of these names more; see `start`."""
    url = running.environment["DATABASE_URL"]
    lite = url.startswith("sqlite:///")
    opened: Any = sqlite3.connect(url.removeprefix("sqlite:///")) if lite else psycopg.connect(url)
    mark = "?" if lite else "%s"
    with closing(opened) as database:
        columns = [column[0] for column in database.execute("SELECT * FROM accounts_user LIMIT 0").description]
        others = [column for column in columns if column not in {"id", "username", "password", "is_staff"}]
        for name in names:
            database.execute(
                f"INSERT INTO accounts_user (username, password, is_staff, {', '.join(others)})"
                f" SELECT {mark}, {mark}, TRUE, {', '.join(others)} FROM accounts_user WHERE username = 'ada'",
                (name, make_password(PASSWORD, hasher="md5")),
            )
        database.commit()
    return running


@dataclass(frozen=True)
class Person:
    """Somebody at an address, who may be signed in already: `access` is a token, `session` a cookie."""

    site: SiteUnderTest
    name: str
    address: str | None = None
    access: str = ""
    session: str = ""

    def signed_in(self) -> Person:
        """The same, with a token and a session, got with the right password."""
        token, form = self.token(PASSWORD), self.form(PASSWORD)
        assert (token.status_code, form.status_code) == (200, 302), (token.text, form.text)
        return Person(self.site, self.name, self.address, token.json()["access"], form.cookies["sessionid"])

    def form(self, password: str) -> httpx.Response:
        """The sign-in form."""
        return self._send("/accounts/login/", username=self.name, password=password)

    def admin(self, password: str) -> httpx.Response:
        """The admin's form."""
        return self._send("/admin/login/?next=/admin/", username=self.name, password=password)

    def token(self, password: str) -> httpx.Response:
        """The API."""
        body = {"username": self.name, "password": password}
        return self.site.client.post("/api/auth/token", json=body, headers=self._headers())

    def old_password(self, password: str) -> httpx.Response:
        """The form by which one changes it."""
        fields = {"old_password": password, "new_password1": NEW, "new_password2": NEW}
        return self._send("/accounts/password/", cookies=f"; sessionid={self.session}", **fields)

    def old_over_rest(self, password: str) -> httpx.Response:
        """The route by which one changes it."""
        headers = {**self._headers(), "Authorization": f"Bearer {self.access}"}
        return self.site.client.post("/api/auth/password", json={"old": password, "new": NEW}, headers=headers)

    def _send(self, path: str, *, cookies: str = "", **fields: str) -> httpx.Response:
        headers = {**self._headers(), "Cookie": f"csrftoken={CSRF}{cookies}"}
        with httpx.Client(
            base_url=self.site.url, timeout=30, trust_env=False, verify=False
        ) as browser:  # keeps no one's cookies
            return browser.post(path, data={"csrfmiddlewaretoken": CSRF, **fields}, headers=headers)

    def _headers(self) -> dict[str, str]:
        return {} if self.address is None else {"X-Forwarded-For": self.address}


Way = Callable[[Person, str], httpx.Response]

WAYS: dict[str, tuple[Way, int]] = {
    "form": (Person.form, 200),
    "admin": (Person.admin, 200),
    "token": (Person.token, 401),
    "old_password": (Person.old_password, 200),
    "old_over_rest": (Person.old_over_rest, 400),
}
"""Each with the status of its answer to a wrong password."""
