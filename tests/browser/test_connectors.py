"""A person in a real browser: from signing in, through a platform's consent page, to extracting and disconnecting.
Each step is looked at on a second web process too, with the first read after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.services.fixtures import SiteFactory
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import PASSWORD, SiteUnderTest
from tests.services.waiting import wait_until
from tests.services.worker import WorkerUnderTest

pytestmark = pytest.mark.system
Person = Callable[..., Page]


@dataclass
class TwoServers:
    """Two web servers of one site: a browser at the first, a program of the same user at the second."""

    first: SiteUnderTest
    second: SiteUnderTest

    def __post_init__(self) -> None:
        answer = self.second.client.post("/api/auth/token", json={"username": "ada", "password": PASSWORD})
        self.client = self.second.client
        self.client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access']}"
        self.user = self.client.get("/api/profile").json()["data"]["user_id"]

    def read(self) -> dict[str, Any]:
        """The status as the second server answers it."""
        return dict(self.client.get(f"/api/connectors/status/{self.user}").raise_for_status().json())

    def sees(self, provider: str, **expected: object) -> None:
        """The second server's first read after a change is right. It is from the cache when the browser's own page, at
        the first server, has read the new status already; its second one always is."""
        fresh, again = self.read(), self.read()
        (platform,) = [each for each in fresh["data"]["platforms"] if each["provider"] == provider]
        assert {name: platform[name] for name in expected} == expected
        assert again["cached"] is True


@pytest.fixture(scope="module")
def both(shared_site: SiteFactory) -> Iterator[tuple[SiteUnderTest, SiteUnderTest]]:
    """Both, and a worker. Each test leaves everything disconnected."""
    first = shared_site(workers=1)
    second = shared_site(workers=1, DATABASE_URL=first.environment["DATABASE_URL"])
    with WorkerUnderTest(first.environment):
        yield first, second


@pytest.fixture
def servers(both: tuple[SiteUnderTest, SiteUnderTest], sandbox: SandboxUnderTest) -> TwoServers:  # the sandbox is reset
    """Both, with a new token."""
    return TwoServers(*both)


def sign_in(page: Page) -> None:
    """As ada, from the connectors page, which asks for it."""
    page.goto("/connectors/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Connected platforms")).to_be_visible()


def card(page: Page, slug: str) -> Locator:
    """The card of a platform."""
    return page.locator(f"#platform-{slug}")


def connect(page: Page, slug: str) -> None:
    """Through the consent page and back."""
    card(page, slug).get_by_role("button", name=re.compile("^(Connect|Reconnect)")).first.click()
    page.get_by_role("button", name="Allow").click()
    expect(card(page, slug)).to_have_attribute("data-state", "connected")


def test_the_whole_way_in_a_browser(servers: TwoServers, sandbox: SandboxUnderTest, person: Person) -> None:
    """Sign in, connect, extract with a progress bar, disconnect: each step shows at once on a second web process."""
    page = person(servers.first.url)
    sign_in(page)
    servers.read()
    connect(page, "tunebox")
    servers.sees("tunebox", status="connected", account="Ada Winter")

    sandbox.fault(service="platform", mode="slow", delay_ms=400)
    card(page, "tunebox").get_by_role("button", name="Extract").click()
    bar = card(page, "tunebox").get_by_role("progressbar")
    expect(bar).to_be_visible()
    wait_until(lambda: 0 < int(bar.get_attribute("value") or 0) < 100, what="the bar shows progress", timeout=20)
    sandbox.fault(service="platform", mode="off")
    expect(bar).to_have_count(0, timeout=30_000)
    expect(card(page, "tunebox")).to_contain_text("Completed")
    servers.sees("tunebox", last_sync_status="completed")
    expect(page.get_by_role("heading", name=re.compile("signature", re.IGNORECASE)).first).to_be_visible()

    card(page, "tunebox").locator("summary", has_text="Disconnect").click()
    card(page, "tunebox").get_by_role("button", name="Yes, disconnect").click()
    expect(card(page, "tunebox")).to_have_attribute("data-state", "disconnected")
    servers.sees("tunebox", status="disconnected", connected=False)


def test_the_whole_way_without_javascript(servers: TwoServers, person: Person) -> None:
    """The same with nothing but forms and links, and a reset of everything at the end."""
    page = person(servers.first.url, javascript=False)
    sign_in(page)
    servers.read()
    connect(page, "codeyard")
    servers.sees("codeyard", status="connected")
    card(page, "codeyard").get_by_role("button", name="Extract").click()

    def ended() -> bool:
        page.goto("/connectors/")
        return "Completed" in card(page, "codeyard").inner_text()

    wait_until(ended, what="the extraction ends", timeout=30)
    servers.sees("codeyard", last_sync_status="completed")
    connect(page, "chirper")
    page.locator("summary", has_text="Disconnect all platforms").click()
    page.get_by_role("button", name="Yes, disconnect all").click()
    for slug in ("codeyard", "chirper"):
        expect(card(page, slug)).to_have_attribute("data-state", "disconnected")
    servers.sees("codeyard", status="disconnected")


def test_who_says_no_stays_unconnected(servers: TwoServers, person: Person) -> None:
    """Denying at the platform leads back to a page that says so; nothing is stored."""
    page = person(servers.first.url)
    sign_in(page)
    card(page, "daybook").get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("main")).to_contain_text("Daybook")
    assert httpx.URL(page.url).host == httpx.URL(servers.first.url).host
    assert not [each for each in servers.read()["data"]["platforms"] if each["status"] != "disconnected"]


def test_the_address_of_one_persons_walk_is_worth_nothing_to_another(servers: TwoServers, person: Person) -> None:
    """The callback's address, opened in somebody else's browser, connects nothing there, and nothing afterwards."""
    walker, other = person(servers.first.url), person(servers.first.url)
    sign_in(walker)
    other.goto("/accounts/login/")
    other.get_by_label("Username").fill("grace")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("navigation", name="Account")).to_contain_text("Signed in as grace")
    card(walker, "tunebox").get_by_role("button", name="Connect").click()
    sent = {"form": walker.locator("input[name=form]").get_attribute("value") or "", "decision": "allow"}
    where = httpx.URL(walker.url)
    headers = {"Origin": f"{where.scheme}://{where.netloc.decode()}"}
    led = walker.request.post(walker.url, form={**sent, "account": "ada"}, headers=headers, max_redirects=0)
    callback = led.headers["location"]
    assert "/api/connectors/callback?code=" in callback
    answer = other.request.get(callback, headers={"Accept": "text/html"})
    assert answer.status == 400
    other.goto("/connectors/")
    expect(card(other, "tunebox")).to_have_attribute("data-state", "disconnected")
    assert walker.request.get(callback, headers={"Accept": "text/html"}).status == 400
