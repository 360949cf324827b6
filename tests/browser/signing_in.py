"""Signing a browser in without its form, which takes a second for each test that is not about it."""

from __future__ import annotations

from functools import cache

import httpx
from playwright.sync_api import Page

from tests.services.site import PASSWORD


def sign_in(page: Page, url: str, who: str) -> None:
    """Have the browser be signed in at the site at `url`, in the same session as others of that name."""
    page.context.add_cookies([{"name": "sessionid", "value": _session(url, who), "url": url, "httpOnly": True}])


@cache
def _session(url: str, who: str) -> str:
    with httpx.Client(base_url=url, timeout=30, trust_env=False, verify=False) as browser:
        browser.get("/accounts/login/")
        fields = {"csrfmiddlewaretoken": browser.cookies["csrftoken"], "username": who, "password": PASSWORD}
        answer = browser.post("/accounts/login/", data=fields)
        assert answer.status_code == 302, answer.text
        return browser.cookies["sessionid"]
