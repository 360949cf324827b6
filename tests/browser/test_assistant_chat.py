"""The chat in a real browser: answers that come in parts, and all that can go wrong on the way."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.signing_in import sign_in
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import PASSWORD, SiteUnderTest, base_environment, copy_database
from tests.services.waiting import wait_until

pytestmark = pytest.mark.system
Person = Callable[..., Page]
PATIENCE = 30_000
"""Milliseconds, for what waits for the model or for a countdown."""
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def running(
    shared_redis: RedisUnderTest, shared_sandbox: SandboxUnderTest, migrated_database: Any, tmp_path_factory: Any
) -> Iterator[SiteUnderTest]:
    """One site for all of these tests."""
    shared_redis.flush()
    folder = tmp_path_factory.mktemp("chat")
    copy_database(migrated_database, folder / "site.sqlite3")
    given = {"REDIS_URL": shared_redis.url, "SANDBOX_URL": shared_sandbox.url, "RATE_LIMIT_CHAT": "1000/60s"}
    environment = base_environment(folder, DATABASE_URL=f"sqlite:///{folder / 'site.sqlite3'}", **given)
    with SiteUnderTest(environment, workers=1) as site:
        yield site


@pytest.fixture
def arrive(running: SiteUnderTest, sandbox: SandboxUnderTest, person: Person) -> Callable[..., Page]:
    """`arrive(javascript=True)`: a page where ada begins a conversation; the model is well."""

    def come(**how: Any) -> Page:
        page = person(running.url, **how)
        sign_in(page, running.url, "ada")
        page.goto("/assistant/")
        expect(page.get_by_role("heading", level=1, name="New conversation")).to_be_visible()
        return page

    return come


def new_question() -> str:
    """One that nobody has asked."""
    return f"How does bridge number {next(_numbers)} stand?"


def box(page: Page) -> Locator:
    """Where one writes."""
    return page.get_by_label("Your question")


def ask(page: Page, text: str) -> None:
    """Write it, and press Enter."""
    box(page).fill(text)
    box(page).press("Enter")


def answers(page: Page) -> Locator:
    """The texts of the answers."""
    return page.locator("#messages .message-answer .message-text")


def is_over(page: Page) -> None:
    """Nothing is waited for any more."""
    expect(page.locator("#send")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#stop")).to_be_hidden()


def kept(page: Page) -> list[tuple[str, str]]:
    """Who said what in the page's conversation, by the API."""
    number = re.search(r"/assistant/(\d+)/", page.url)
    assert number is not None, page.url
    items = page.request.get(f"/api/conversations/{number[1]}/messages").json()["data"]["items"]
    return [(item["role"], item["content"]) for item in items]


def test_an_answer_comes_in_parts(arrive: Person, sandbox: SandboxUnderTest) -> None:
    """They are seen as they come; then the page is the conversation's, and the list and the totals are as they are."""
    page, question = arrive(), new_question()
    sandbox.fault(service="chat", mode="slow", delay_ms=3000)
    lengths: list[int] = []
    ask(page, question)
    expect(page.locator(".is-coming")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/assistant/\d+/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(question)

    def grows() -> bool:
        length = len(answers(page).inner_text())
        lengths.extend([length] if length and length not in lengths else [])
        return len(lengths) > 2

    wait_until(grows, what="the answer grows")
    is_over(page)
    expect(page.locator(".is-coming")).to_have_count(0)
    assert kept(page) == [("user", question), ("assistant", answers(page).inner_text())]
    expect(page.locator("#talks [aria-current]")).to_contain_text(question)
    expect(page.locator("#chat-totals")).to_contain_text("tokens paid")
    expect(page.get_by_role("status").filter(has_text="The answer is there.")).to_have_count(1)
    expect(page).to_have_title(re.compile(f"^{re.escape(question)}"))


def test_what_was_asked_before_comes_from_the_cache(arrive: Person, sandbox: SandboxUnderTest) -> None:
    """With a mark that says what it saved, also when the page is loaded again; the model is not asked."""
    page, question = arrive(), new_question()
    ask(page, question)
    is_over(page)
    expect(page.get_by_text("From cache", exact=True)).to_be_hidden()
    page.get_by_role("link", name="New conversation").click()
    ask(page, question)
    for _ in range(2):
        expect(page.locator("[data-mark=cached]:visible")).to_have_text(re.compile(r"From cache, \d+ tokens saved"))
        page.reload()
    assert sandbox.calls()["chat"] == 1


def test_enter_sends_and_shift_enter_begins_a_line(arrive: Person) -> None:
    """Enter pressed again and again sends once; without any text nothing."""
    page, question = arrive(), new_question()
    box(page).press("Enter")
    box(page).fill(question)
    box(page).press("Shift+Enter")
    box(page).press_sequentially("And why?")
    for _ in range(3):
        box(page).press("Enter")
    is_over(page)
    expect(box(page)).to_have_value("")
    assert [text for role, text in kept(page) if role == "user"] == [f"{question}\nAnd why?"]


def test_who_stops_keeps_the_answer(arrive: Person, sandbox: SandboxUnderTest) -> None:
    """The page stops at once and says so; the server goes on, and its link shows the whole."""
    page, question = arrive(), new_question()
    sandbox.fault(service="chat", mode="slow", delay_ms=3000)
    ask(page, question)
    expect(answers(page)).not_to_be_empty()
    page.locator("#stop").press("Enter")
    is_over(page)
    expect(page.get_by_text("Stopped. The answer will be kept when it is whole.").first).to_be_visible()
    part = answers(page).inner_text()
    wait_until(lambda: len(kept(page)) == 2, what="the answer is kept")
    page.get_by_role("link", name="Show it").click()
    expect(answers(page)).to_have_text(kept(page)[1][1])
    assert kept(page)[1][1].startswith(part.strip())
    assert len(kept(page)[1][1]) > len(part)
    assert sandbox.calls()["chat"] == 1


def test_who_stops_and_looks_at_once_can_wait_again(arrive: Person, sandbox: SandboxUnderTest) -> None:
    """The page offers to try again, which waits for the same answer: nothing is there twice."""
    page, question = arrive(), new_question()
    sandbox.fault(service="chat", mode="slow", delay_ms=6000)
    ask(page, question)
    expect(page).to_have_url(re.compile(r"/assistant/\d+/"))
    page.locator("#stop").press("Enter")
    page.get_by_role("link", name="Show it").click()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#stop")).to_be_visible()
    is_over(page)
    expect(answers(page)).to_have_count(1)
    wait_until(lambda: len(kept(page)) == 2, what="the answer is kept")
    assert kept(page)[0] == ("user", question)
    assert sandbox.calls()["chat"] == 1


def test_a_page_that_comes_before_its_answer_finds_it(arrive: Person, sandbox: SandboxUnderTest) -> None:
    """Without a press of a button, and without a second call."""
    page, question = arrive(), new_question()
    sandbox.fault(service="chat", mode="slow", delay_ms=3000)
    ask(page, question)
    expect(page).to_have_url(re.compile(r"/assistant/\d+/"))
    page.reload()
    expect(page.get_by_text("There is no answer to this yet.")).to_be_visible()
    expect(answers(page)).to_have_count(1, timeout=PATIENCE)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    assert sandbox.calls()["chat"] == 1


def test_many_conversations_leave_the_page_as_high_as_it_was(arrive: Person, running: SiteUnderTest) -> None:
    """The list scrolls in itself; the composer is at the end of what is seen."""
    page = arrive()
    token = page.context.cookies()
    csrf = next(cookie["value"] for cookie in token if cookie["name"] == "csrftoken")
    for _ in range(20):
        sent = page.request.post("/api/conversations", data={"title": "One more"}, headers={"X-CSRFToken": csrf})
        assert sent.status == 201, sent.text()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.reload()
    height = page.evaluate("document.documentElement.scrollHeight - document.documentElement.clientHeight")
    assert height <= 0


def test_a_failure_is_told_and_tried_again(arrive: Person, sandbox: SandboxUnderTest) -> None:
    """A stream that is cut is no answer: its parts go, the question stays, and is kept once."""
    page, question = arrive(), new_question()
    sandbox.fault(service="chat", mode="cut")
    ask(page, question)
    expect(page.get_by_text("The assistant does not answer at the moment.").first).to_be_visible()
    expect(answers(page)).to_have_count(0)
    sandbox.fault(service="chat", mode="off")
    expect(page.get_by_text("You can try again now.")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Try again").click()
    is_over(page)
    expect(answers(page)).to_have_count(1)
    assert kept(page) == [("user", question), ("assistant", answers(page).inner_text())]


def events(*given: tuple[str, Any]) -> str:
    """A stream."""
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in given)


def test_a_connection_that_ends_early_is_a_failure(arrive: Person, sandbox: SandboxUnderTest) -> None:
    """Without `done` or `problem`. What the server has kept by then is shown, and nothing is asked again."""
    page, question = arrive(), new_question()

    def cut(route: Route) -> None:
        whole = route.fetch()
        route.fulfill(response=whole, body=whole.text().partition("event: done")[0])

    page.route("**/api/chat", cut)
    ask(page, question)
    expect(page.get_by_text("The connection was lost before the answer was whole.").first).to_be_visible()
    expect(answers(page)).to_have_count(0)
    page.unroute("**/api/chat")
    page.get_by_role("button", name="Try again").click()
    expect(answers(page)).to_have_count(1)
    assert [role for role, _ in kept(page)] == ["user", "assistant"]
    assert sandbox.calls()["chat"] == 1


def test_a_server_that_is_away_is_a_failure(arrive: Person) -> None:
    """Before anything was kept, too."""
    page, question = arrive(), new_question()
    page.route("**/api/chat", lambda route: route.abort())
    ask(page, question)
    expect(page.get_by_text("The connection was lost").first).to_be_visible()
    page.unroute("**/api/chat")
    page.get_by_role("button", name="Try again").click()
    is_over(page)
    assert kept(page) == [("user", question), ("assistant", answers(page).inner_text())]


REFUSALS: list[tuple[int, dict[str, Any], str]] = [
    (400, {"errors": {"message": ["must be text, without control characters"]}}, "must be text, without"),
    (401, {"detail": "Authentication credentials were not provided."}, "You are signed out. Sign in"),
    (403, {"detail": "CSRF Failed"}, "This page is out of date."),
    (404, {"detail": "There is nothing here."}, "is not there any more. New conversation"),
    (429, {"type": "urn:problem:rate-limit"}, "Too many questions. Try again in"),
    (503, {"type": "urn:problem:overload", "detail": "too many chats are under way"}, "too many chats are under way"),
    (502, {}, "Something went wrong."),
]


@pytest.mark.parametrize(("status", "told", "words"), REFUSALS)
def test_a_refusal_keeps_what_was_typed(arrive: Person, status: int, told: dict[str, Any], words: str) -> None:
    """It says why; the question is in the box again, and not among the messages."""
    page, question = arrive(), new_question()
    headers = {"Retry-After": "2"} if status in {429, 503} else {}
    page.route("**/api/chat", lambda route: route.fulfill(status=status, body=json.dumps(told), headers=headers))
    ask(page, question)
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(box(page)).to_have_value(question)
    expect(page.locator("#messages li")).to_have_count(0)
    if headers:
        expect(page.get_by_role("alert")).to_contain_text("You can try again now.", timeout=PATIENCE)
    page.unroute("**/api/chat")
    box(page).press("Enter")
    is_over(page)
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(answers(page)).to_have_count(1)


def test_a_question_that_is_too_long_is_counted(arrive: Person) -> None:
    """Near its end the letters that are left, then those that are too many; it is not sent, and not cut."""
    page = arrive()
    box(page).fill("x" * 3400)
    expect(page.locator("#letters")).to_be_empty()
    box(page).fill("x" * 3990)
    expect(page.locator("#letters")).to_have_text("10 letters left")
    box(page).fill("é🙂" * 2100)
    expect(page.locator("#letters")).to_have_text("4,200 letters: 200 too many")
    box(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("A question has 4,000 letters at most.")
    expect(box(page)).to_have_value("é🙂" * 2100)
    box(page).fill("é🙂" * 2000)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_who_reads_above_is_not_pulled_down(arrive: Person, sandbox: SandboxUnderTest) -> None:
    """The page follows an answer only for who is at its end."""
    page = arrive()
    page.set_viewport_size({"width": 390, "height": 600})
    for _ in range(3):
        ask(page, new_question())
        is_over(page)
    end = "innerHeight + scrollY >= document.documentElement.scrollHeight - 2"
    assert page.evaluate(end)
    sandbox.fault(service="chat", mode="slow", delay_ms=2000)
    ask(page, new_question())
    expect(answers(page).nth(3)).not_to_be_empty()
    page.evaluate("scrollTo(0, 0)")
    is_over(page)
    assert page.evaluate("scrollY") == 0


def test_persona_and_documents_go_along(arrive: Person, running: SiteUnderTest) -> None:
    """As they were chosen; the persona's name stands at its answers."""
    signed_in = running.client.post("/api/auth/token", json={"username": "ada", "password": PASSWORD}).json()
    headers = {"Authorization": f"Bearer {signed_in['access']}"}
    document = {"name": "notes.txt", "text": "Bridges hang."}
    running.client.post("/api/documents", json=document, headers=headers).raise_for_status()
    page = arrive()
    sent: list[dict[str, Any]] = []
    page.on("request", lambda request: sent.append(request.post_data_json) if "/api/chat" in request.url else None)
    page.get_by_label("Persona").select_option(label="Tutor")
    page.get_by_label("Use my 1 document").check()
    ask(page, new_question())
    is_over(page)
    expect(page.locator("#messages .message-answer b")).to_have_text("Tutor")
    expect(page.get_by_text("with Tutor")).to_be_visible()
    page.get_by_label("Use my 1 document").uncheck()
    ask(page, new_question())
    is_over(page)
    first, second = sent
    assert (first["persona_id"] > 0, first["documents"], "conversation_id" in first) == (True, True, False)
    assert ("persona_id" in second, second["documents"], second["conversation_id"] > 0) == (False, False, True)


def test_everything_fits_on_a_small_phone(arrive: Person) -> None:
    """No sideways scrolling at 320 pixels, and nothing to press that is smaller than 24."""
    page = arrive()
    page.set_viewport_size({"width": 320, "height": 640})
    ask(page, new_question() + " " + "x" * 200)
    is_over(page)
    page.locator("#talks summary").click()
    page.locator("#chat-delete summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    small = """[...document.querySelectorAll("main :is(a, button, select, summary, textarea, label.choice)")]
        .filter((each) => each.checkVisibility({ contentVisibilityAuto: true }))
        .filter((each) => Math.min(each.offsetWidth, each.offsetHeight) < 24).map((each) => each.outerHTML)"""
    assert page.evaluate(small) == []


def test_the_whole_way_without_javascript(arrive: Person, sandbox: SandboxUnderTest) -> None:
    """Ask, fail, try again, and delete, by forms alone."""
    page, question = arrive(javascript=False), new_question()
    sandbox.fault(service="chat", mode="error")
    box(page).fill(question)
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("The assistant does not answer at the moment.")).to_be_visible()
    sandbox.fault(service="chat", mode="off")

    def answered() -> bool:
        page.get_by_role("button", name="Try again").click()
        return answers(page).count() == 1

    wait_until(answered, what="the model answers again")
    assert [role for role, _ in kept(page)] == ["user", "assistant"]
    page.locator("#chat-delete summary").click()
    page.get_by_role("button", name="Yes, delete this conversation").click()
    expect(page.get_by_text("The conversation is deleted.")).to_be_visible()
    expect(page.locator("#talks").get_by_text(question)).to_have_count(0)
