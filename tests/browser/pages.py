"""Every page of the site: who may see it, and the way there. A new page belongs into PAGES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page as Tab

from tests.services.site import PASSWORD


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePage:
    """A page. `who` is signed in, None for a stranger; `origin` is their IP address. `arrive` leads there from the
    address, where that is not all; `refusal`: the address is answered with an error. `template`: it is answered
    with this one, because nothing that a test can do with certainty leads to it. `without` are parts that are not ours,
    by selector."""

    name: str
    address: str
    who: str | None = "ada"
    arrive: Callable[[Tab], None] = lambda tab: None
    origin: str = "198.51.100.7"
    refusal: bool = False
    template: str | None = None
    walk: bool = False
    without: tuple[str, ...] = ()


SEARCHED_OFTEN = "203.0.113.9"
"""An address from which no search is allowed any more."""
NOT_OURS = {".theme-toggle": "its name is there only with its script"}
"""Parts of Django's own pages that axe-core complains of, and why."""


def _without_token(tab: Tab) -> None:
    tab.get_by_label("Username").fill("ada")
    tab.get_by_label("Password").fill("x")
    tab.context.clear_cookies()
    tab.get_by_role("button", name="Sign in").click()


def _wrong_password(tab: Tab) -> None:
    tab.get_by_label("Username").fill("nobody")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()


def _first(selector: str) -> Callable[[Tab], None]:
    def follow(tab: Tab) -> None:
        tab.locator(selector).first.click()
        tab.wait_for_load_state()

    return follow


def _unfold(tab: Tab) -> None:
    for summary in tab.locator("main summary").all():
        if summary.is_visible():
            summary.click()


PAGES = (
    SitePage(name="dashboard", address="/", walk=True, arrive=_unfold),
    SitePage(name="dashboard-of-a-stranger", address="/?words=bridge&q=paris", who=None, walk=True),
    SitePage(name="dashboard-refused", address="/?words=tower", origin=SEARCHED_OFTEN, refusal=True),
    SitePage(name="sign-in", address="/accounts/login/", who=None, walk=True),
    SitePage(name="sign-in-refused", address="/accounts/login/", who=None, arrive=_wrong_password),
    SitePage(name="account", address="/accounts/", walk=True),
    SitePage(name="password", address="/accounts/password/"),
    SitePage(name="sessions", address="/accounts/sessions/", arrive=_unfold),
    SitePage(name="api-keys", address="/accounts/api-keys/", arrive=_unfold),
    SitePage(name="platforms", address="/connectors/", walk=True, arrive=_unfold),
    SitePage(name="callback", address="/api/connectors/callback?code=x&state=y", refusal=True),
    SitePage(name="chat", address="/assistant/", walk=True),
    SitePage(name="conversation", address="/assistant/", arrive=_first(".talks ol a"), walk=True),
    SitePage(name="personas", address="/assistant/personas/", walk=True, arrive=_unfold),
    SitePage(name="persona", address="/assistant/personas/", arrive=_first(".persona a[href*='/personas/']")),
    SitePage(name="documents", address="/assistant/documents/", walk=True, arrive=_unfold),
    SitePage(name="not-found", address="/no-such-page", refusal=True),
    SitePage(name="too-many", address="/too-many", refusal=True, template="429.html"),
    SitePage(name="our-fault", address="/our-fault", refusal=True, template="500.html"),
    SitePage(name="no-token", address="/accounts/login/", who=None, arrive=_without_token),
    SitePage(name="api-docs", address="/api/docs", who=None, walk=True),
    SitePage(name="api-docs-try", address="/api/docs/try", who=None),
    SitePage(name="admin", address="/admin/", who="admin", without=tuple(NOT_OURS)),
    SitePage(name="cache", address="/admin/cache/", who="admin", walk=True, without=tuple(NOT_OURS)),
    SitePage(name="policy", address="/admin/cache/weather.current/", who="admin", without=tuple(NOT_OURS)),
    SitePage(name="flush", address="/admin/cache/flush/", who="admin", walk=True, without=tuple(NOT_OURS)),
)

EACH = pytest.mark.parametrize("listed", PAGES, ids=lambda listed: listed.name)
