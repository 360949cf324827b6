"""The whole way on the page, with the sandbox's platforms and without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from connectors.models import ExtractedItem, PlatformConnection
from tests.integration.accounts.browser import Browser
from tests.integration.accounts.credentials import new_user
from tests.integration.connectors.people import HTML
from tests.integration.connectors.test_page import PAGE, card, forms, send
from tests.services.sandbox import SandboxUnderTest


@pytest.fixture
def user(platforms: SandboxUnderTest, settings: Any) -> User:
    """Somebody with no connection, on a site whose address is the test browsers'."""
    settings.SITE_URL = "http://127.0.0.1"
    settings.ALLOWED_HOSTS = ["*"]
    return new_user()


@pytest.fixture
def browser(user: User) -> Browser:
    """A browser in which `user` is signed in, at the site's own address."""
    found = Browser()
    found.client.defaults["SERVER_NAME"] = "127.0.0.1"
    return found.sign_in(user)


def connect(browser: Browser, sandbox: SandboxUnderTest, provider: str, **choices: str) -> Browser:
    """Through the platform's consent page and back."""
    address = send(browser.get(PAGE), "connect", provider)["Location"]
    back = sandbox.consent(address, **choices)
    assert back.startswith("http://127.0.0.1/api/connectors/callback?")
    browser.client.defaults["HTTP_ACCEPT"] = HTML
    return browser.get(back.removeprefix("http://127.0.0.1"))


def test_from_nothing_to_a_signature_and_back(browser: Browser, platforms: SandboxUnderTest) -> None:
    """Each step shows at once: connected, extracted, disconnected."""
    connect(browser, platforms, "chirper")
    assert browser.address == PAGE
    assert "Chirper is connected." in browser.text
    assert "State: Connected" in card(browser, "chirper").text
    assert forms(browser, "chirper") == ["extract", "connect", "disconnect"]

    assert send(browser, "extract", "chirper")["Location"] == f"{PAGE}#platform-chirper"
    extracted = ExtractedItem.objects.count()
    assert extracted > 100
    assert f"Completed just now {extracted} items" in card(browser.get(PAGE), "chirper").text
    assert f"Chirper {extracted}" in browser.page.only(id="signature").text

    assert send(browser, "disconnect", "chirper")["Location"] == PAGE
    assert "Chirper has taken the access back." in browser.get(PAGE).text
    assert forms(browser, "chirper") == ["connect"]
    assert "Nothing to read yet" in browser.page.only(id="signature").text
    assert not ExtractedItem.objects.exists()


def test_connecting_again_takes_up_the_record(browser: Browser, platforms: SandboxUnderTest) -> None:
    """The connection from before, with what it was extracted from it."""
    connect(browser, platforms, "tunebox")
    send(browser, "extract")
    before, items = PlatformConnection.objects.get().pk, ExtractedItem.objects.count()
    connect(browser, platforms, "tunebox")
    assert PlatformConnection.objects.get().pk == before
    assert ExtractedItem.objects.count() == items > 0


def test_reset_ends_all_of_them(browser: Browser, platforms: SandboxUnderTest) -> None:
    """And says of each whether the platform took the access back."""
    for provider in ("codeyard", "tunebox"):
        connect(browser, platforms, provider)
    browser.get(PAGE).send("reset")
    told = browser.page.only("ul", class_="told").text
    assert "Codeyard has taken the access back." in told
    assert "Tunebox has no way to take the access back" in told
    assert "None connected yet." in browser.text
    assert not browser.page.all(id="confirm-reset")


def test_who_says_no_reads_that_nothing_was_connected(browser: Browser, platforms: SandboxUnderTest) -> None:
    """On a page that leads back."""
    connect(browser, platforms, "daybook", decision="deny")
    assert browser.response.status_code == 400
    assert browser.page.only("h1").text == "Not connected"
    ways = [link.attributes["href"] for link in browser.page.only("main").walk() if link.name == "a"]
    assert ways == [PAGE, "/"]
    assert not PlatformConnection.objects.exists()
