"""The page without JavaScript: every state, every form, and what a script asks for while a job runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from cache_platform.testing import isolated_cache
from connectors.models import AuthorizationRequest, ExtractedItem, ExtractionJob, PlatformConnection
from tests.integration.accounts.browser import Browser, values_of
from tests.integration.accounts.credentials import new_user
from tests.integration.dashboard.conftest import Visit
from tests.integration.dashboard.markup import Element
from tests.integration.dashboard.test_security import ATTACK, check_markup

pytestmark = pytest.mark.django_db

PAGE = "/connectors/"
STATES = {
    "connected": "Connected",
    "expiring": "Expiring",
    "needs_reauth": "Sign-in needed",
    "error": "Error",
    "disconnected": "Not connected",
}


@pytest.fixture(autouse=True)
def site(settings: Any) -> Iterator[None]:
    """A site whose own address is the one that test browsers go to, and a cache of its own."""
    settings.SITE_URL = "http://testserver"
    with isolated_cache():
        yield


@pytest.fixture
def user() -> User:
    """Somebody with an account."""
    return new_user(first_name="Ada")


@pytest.fixture
def browser(user: User) -> Browser:
    """A browser in which `user` is signed in."""
    return Browser().sign_in(user)


def connection(user: User, provider: str = "tunebox", **fields: Any) -> PlatformConnection:
    """A connection that works."""
    given = {"status": "connected", "account_name": "Ada L.", "scopes": ["read-plays"], "connected_at": timezone.now()}
    return PlatformConnection.objects.create(user=user, provider=provider, **{**given, **fields})


def job(of: PlatformConnection, **fields: Any) -> ExtractionJob:
    """An extraction that is half done."""
    given = {"state": "running", "items_done": 100, "items_total": 200}
    return ExtractionJob.objects.create(connection=of, user=of.user, provider=of.provider, **{**given, **fields})


def item(of: PlatformConnection, number: int = 1) -> ExtractedItem:
    """Something that was extracted."""
    return ExtractedItem.objects.create(
        connection=of,
        user=of.user,
        item_id=str(number),
        kind="plays",
        title="A song",
        labels=["jazz"],
        happened_at=timezone.now() - timedelta(days=number),
    )


def card(browser: Browser, provider: str = "tunebox") -> Element:
    """A platform's card."""
    return browser.page.only("section", id=f"platform-{provider}")


def forms(browser: Browser, provider: str = "tunebox") -> list[str]:
    """What can be done on a platform's card, in the order in which it is offered."""
    return [values_of(element)["do"] for element in card(browser, provider).walk() if element.name == "form"]


def send(browser: Browser, do: str, provider: str = "tunebox") -> Any:
    """Send a card's form; the answer itself, which is not followed."""
    form = next(each for each in card(browser, provider).walk() if each.name == "form" and values_of(each)["do"] == do)
    return browser.client.post(str(form.attributes["action"]), values_of(form))


@pytest.mark.parametrize("status", STATES)
def test_every_state_is_told_in_words_and_by_a_picture(browser: Browser, user: User, status: str) -> None:
    """So it can be told without seeing colours."""
    connection(user, status=status)
    shown = card(browser.get(PAGE))
    assert f"State: {STATES[status]}" in shown.text
    assert [use for use in shown.walk() if use.attributes.get("href") == f"#c-{status}"]
    assert shown.attributes["data-state"] == status
    check_markup(Visit(browser.response, browser.html))


def test_without_a_connection_all_that_is_offered_can_be_connected(browser: Browser) -> None:
    """And the signature says kindly that there is nothing yet."""
    browser.get(PAGE)
    assert "None connected yet." in browser.text
    assert all(forms(browser, name) == ["connect"] for name in ("tunebox", "daybook", "codeyard", "chirper"))
    assert "Nothing to read yet" in browser.page.only(id="signature").text
    assert not browser.page.all(id="confirm-reset")


def test_a_connection_shows_account_scopes_and_last_sync(browser: Browser, user: User) -> None:
    """Scopes are folded away; where it all came from is said below."""
    connection(user, last_sync_at=timezone.now(), last_sync_status="completed")
    text = card(browser.get(PAGE)).text
    assert "Ada L." in text
    assert "Completed just now" in text
    assert "read-plays" in browser.page.only(id="scopes-tunebox").text
    assert browser.text.count("From the database, just now") == 2
    assert browser.get(PAGE).text.count("From cache, 1 s old") == 2


def test_disconnecting_says_first_what_will_be_deleted(browser: Browser, user: User) -> None:
    """How many items, and that this platform cannot take the access back."""
    owned = connection(user)
    item(owned, 1)
    item(owned, 2)
    confirmation = browser.get(PAGE).page.only("details", id="confirm-tunebox").text
    assert "The 2 items extracted from Tunebox are deleted" in confirmation
    assert "Tunebox has no way to take the access back" in confirmation


def test_the_signature_is_shown_in_meters_and_bars(browser: Browser, user: User) -> None:
    """Each has a name and a value that can be read out."""
    owned = connection(user)
    for number in range(1, 4):
        item(owned, number)
    page = browser.get(PAGE).page
    meters = page.all("meter")
    assert meters
    for meter in meters:
        assert page.only(id=str(meter.attributes["aria-labelledby"])).text
        assert 0 <= int(str(meter.attributes["value"])) <= 100
    assert "Tunebox 3" in page.only(id="signature").text
    check_markup(Visit(browser.response, browser.html))


def test_a_page_from_the_cache_costs_no_query(
    browser: Browser, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """With something connected it costs one, for the extractions there are."""
    browser.get(PAGE)
    with django_assert_num_queries(0):
        browser.get(PAGE)
    job(connection(user))
    browser.get(PAGE)
    with django_assert_num_queries(1):
        browser.get(PAGE)
    assert browser.page.all("progress")


def test_the_page_goes_on_where_the_extractions_cannot_be_read(
    browser: Browser, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away, and the rest comes from the cache."""

    def away(user_id: int) -> None:
        raise OperationalError

    connection(user)
    browser.get(PAGE)
    monkeypatch.setattr("connectors.pages.page.latest_jobs", away)
    assert "Connected" in card(browser.get(PAGE)).text


def test_forms_may_lead_to_the_consent_pages_from_this_page_alone(browser: Browser, settings: Any) -> None:
    """Chromium holds form-action against the redirects after a form, too."""
    settings.SANDBOX_URL = "http://127.0.0.1:9000"
    policy = browser.get(PAGE).response["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["form-action"] == "'self' http://127.0.0.1:9000 http://testserver"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert "127.0.0.1:9000" not in browser.get("/accounts/").response["Content-Security-Policy"]


def test_connecting_leads_to_the_platform(browser: Browser, user: User, settings: Any) -> None:
    """By a redirect that is a GET and is kept nowhere, bound to this browser."""
    settings.SANDBOX_URL = "http://127.0.0.1:9000"
    answer = send(browser.get(PAGE), "connect")
    assert answer.status_code == 303
    assert answer["Location"].startswith("http://127.0.0.1:9000/oauth/tunebox/authorize?")
    assert answer["Cache-Control"] == "no-store"
    request = AuthorizationRequest.objects.get()
    assert (request.user_id, request.provider) == (user.pk, "tunebox")
    assert request.binding.startswith("session:")


def test_reconnecting_is_the_same_form(browser: Browser, user: User) -> None:
    """It comes first where nothing works without it."""
    connection(user, status="needs_reauth", problem="refused")
    browser.get(PAGE)
    assert forms(browser) == ["connect", "disconnect"]
    assert send(browser, "connect").status_code == 303


def test_at_another_address_nothing_can_be_connected(browser: Browser, user: User, settings: Any) -> None:
    """The platform would send the person back to where this browser is not signed in."""
    connection(user, "daybook")
    settings.SITE_URL = "http://127.0.0.1:8000"
    browser.get(PAGE)
    notice = browser.page.only("div", role="note")
    (link,) = (element for element in notice.walk() if element.name == "a")
    assert link.attributes["href"] == "http://127.0.0.1:8000/connectors/"
    assert forms(browser) == []
    assert forms(browser, "daybook") == ["extract", "disconnect"]
    settings.SITE_URL = "http://testserver"
    browser.get(PAGE)
    settings.SITE_URL = "http://127.0.0.1:8000"
    assert send(browser, "connect")["Location"] == PAGE
    assert "From this address platforms cannot be connected." in browser.get(PAGE).text
    assert not AuthorizationRequest.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"do": "connect", "provider": "nowhere"}, "not offered here"),
        ({"do": "extract", "provider": "nowhere"}, "not connected"),
        ({"do": "extract", "provider": "tunebox"}, "not connected"),
        ({"do": "disconnect", "provider": ATTACK}, "was not connected"),
        ({"do": "reset"}, "Nothing was connected."),
        ({"do": ATTACK}, "was not understood"),
        ({}, "was not understood"),
    ],
)
def test_a_form_that_makes_no_sense_is_answered_in_words(browser: Browser, fields: dict[str, str], words: str) -> None:
    """By a redirect as all others, and nothing is changed."""
    browser.get(PAGE)
    (token, *_) = browser.page.all("input", name="csrfmiddlewaretoken")
    answer = browser.client.post(PAGE, {**fields, "csrfmiddlewaretoken": token.attributes["value"]})
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert words in browser.get(PAGE).page.only("ul", class_="told").text
    check_markup(Visit(browser.response, browser.html))
    assert not PlatformConnection.objects.exists()


def test_what_does_not_work_is_not_extracted_from(browser: Browser, user: User) -> None:
    """Also when the page was loaded before it stopped to work."""
    connection(user)
    browser.get(PAGE)
    PlatformConnection.objects.update(status="needs_reauth")
    send(browser, "extract")
    assert "The connection with Tunebox does not work at present." in browser.get(PAGE).text
    assert not ExtractionJob.objects.exists()


class TestJobs:
    """An extraction under way."""

    def test_a_running_job_has_a_bar_that_asks_for_itself(self, browser: Browser, user: User) -> None:
        """Each second, without anything that needs an eval; without JavaScript there is a link."""
        row = job(connection(user))
        page = browser.get(PAGE).page
        part = page.only(id=f"job-{row.pk}")
        assert part.attributes["hx-get"] == f"/connectors/jobs/{row.pk}/"
        assert part.attributes["hx-trigger"] == "every 1s"
        bar = page.only("progress")
        assert (bar.attributes["value"], bar.attributes["max"]) == ("50", "100")
        assert page.only(id=str(bar.attributes["aria-labelledby"])).text == "100 of 200 items"
        assert "Refresh" in page.only("noscript").text
        assert "extract" not in forms(browser)

    def test_its_fragment_is_the_same_bar(
        self, browser: Browser, user: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        """As far as the job is now, from the cache until it gets further."""
        row = job(connection(user))
        before = browser.get(PAGE).page.only(id=f"job-{row.pk}")
        assert browser.get(f"/connectors/jobs/{row.pk}/").page.only(id=f"job-{row.pk}").attributes == before.attributes
        with django_assert_num_queries(0):
            browser.get(f"/connectors/jobs/{row.pk}/")
        ExtractionJob.objects.update(items_done=150)
        assert browser.get(f"/connectors/jobs/{row.pk}/").page.only("progress").attributes["value"] == "75"
        assert "HX-Retarget" not in browser.response

    @pytest.mark.parametrize(("ended", "words"), [("completed", "200 items"), ("failed", "Tunebox did not answer")])
    def test_once_it_has_ended_the_card_and_the_signature_come_anew(
        self, browser: Browser, user: User, ended: str, words: str
    ) -> None:
        """The card in place of the old one, the signature where it belongs; nothing asks for more."""
        owned = connection(user)
        row = job(owned)
        browser.get(PAGE)
        item(owned)
        ExtractionJob.objects.update(state=ended, items_done=200, problem="" if ended == "completed" else "unavailable")
        PlatformConnection.objects.update(last_sync_at=timezone.now(), last_sync_status=ended)
        browser.get(f"/connectors/jobs/{row.pk}/")
        assert browser.response["HX-Retarget"] == "#platform-tunebox"
        assert words in card(browser).text
        assert words in str(card(browser).attributes["data-ended"])
        assert browser.page.only(id="signature").attributes["hx-swap-oob"] == "true"
        assert "1 item" in browser.page.only(id="signature").text
        assert not [element for element in browser.page.root.walk() if "hx-get" in element.attributes]
        assert "extract" in forms(browser)
        check_markup(Visit(browser.response, browser.html))

    def test_only_its_owner_may_ask(self, browser: Browser) -> None:
        """Another one's is not there, as one that never was."""
        other = job(connection(new_user()))
        for number in (other.pk, uuid4()):
            assert browser.get(f"/connectors/jobs/{number}/").response.status_code == 404

    def test_whoever_has_signed_out_is_sent_to_sign_in(self, browser: Browser, user: User) -> None:
        """The whole page, not the card: a redirect would put the sign-in page into it."""
        row = job(connection(user))
        answer = Browser().client.get(f"/connectors/jobs/{row.pk}/")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer["HX-Redirect"] == "/accounts/login/?next=/connectors/"
        assert answer["Cache-Control"] == "private, no-cache"


def test_what_platforms_say_is_text(browser: Browser, user: User) -> None:
    """Accounts and scopes, and the labels of what was extracted."""
    owned = connection(user, account_name=ATTACK, scopes=[ATTACK], problem=ATTACK[:40])
    ExtractedItem.objects.filter(pk=item(owned).pk).update(labels=[ATTACK], title=ATTACK)
    connection(user, ATTACK[:30])
    browser.get(PAGE)
    check_markup(Visit(browser.response, browser.html))
    assert ATTACK in card(browser).text


def test_the_page_is_built_for_assistive_technology(browser: Browser, user: User) -> None:
    """One first heading, unique ids, a name for each section, link and button, and pictures that are not read out."""
    job(connection(user))
    connection(user, "daybook", status="error", problem="unavailable")
    page = browser.get(PAGE).page
    assert len(page.all("main")) == len(page.all("h1")) == 1
    ids = [element.attributes["id"] for element in page.root.walk() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for section in page.all("section"):
        assert page.only(id=str(section.attributes["aria-labelledby"])).text
    for button in [*page.all("button"), *page.all("a"), *page.all("summary")]:
        assert button.text
    for picture in page.all("svg"):
        assert picture.attributes["aria-hidden"] == "true"
    drawn = {f"#{element.attributes['id']}" for element in page.all("symbol")}
    assert {use.attributes["href"] for use in page.all("use")} <= drawn
    names = [button.text for button in page.all("button") if button.attributes.get("type") == "submit"]
    assert "Reconnect Daybook" in names
