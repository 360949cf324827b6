"""The staff's pages about the cache in a real browser: what is live, what stays, and what needs no JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.signing_in import sign_in
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import SiteUnderTest, base_environment, copy_database

pytestmark = pytest.mark.system
Person = Callable[..., Page]
WEATHER = "/api/weather/current?lat=52.52&lon=13.41"
ROW = "[id='row-weather.current']"
STEP = 6_000
"""Milliseconds of the page's clock, after which it has asked for its part."""


@pytest.fixture(scope="module")
def running(
    shared_redis: RedisUnderTest, shared_sandbox: SandboxUnderTest, migrated_database: Any, tmp_path_factory: Any
) -> Iterator[SiteUnderTest]:
    """One site for all of these tests, with an entry of the weather."""
    shared_redis.flush()
    folder = tmp_path_factory.mktemp("cache-pages")
    copy_database(migrated_database, folder / "site.sqlite3")
    given = {"REDIS_URL": shared_redis.url, "SANDBOX_URL": shared_sandbox.url}
    environment = base_environment(folder, DATABASE_URL=f"sqlite:///{folder / 'site.sqlite3'}", **given)
    with SiteUnderTest(environment, workers=1) as site:
        site.client.get(WEATHER).raise_for_status()
        yield site


@pytest.fixture
def arrive(running: SiteUnderTest, person: Person) -> Callable[..., Page]:
    """`arrive(path)`: the admin's browser there; the page's clock stands still but for what a test lets pass."""

    def come(path: str = "/admin/cache/", *, javascript: bool = True) -> Page:
        page = person(running.url, javascript=javascript)
        sign_in(page, running.url, "admin")
        if javascript:
            page.clock.install()
        page.goto(path)
        return page

    return come


def reads(page: Page) -> int:
    """How many reads of the weather the table has."""
    return int(page.locator(f"{ROW} > td").nth(1).inner_text().replace(",", ""))


def let_pass(page: Page) -> None:
    """Have the page ask for its part, and wait until it has it."""
    with page.expect_response(lambda answer: "/admin/cache/" in answer.url):
        page.clock.run_for(STEP)


def test_what_changes_arrives_and_what_one_has_made_of_the_page_stays(running: SiteUnderTest, arrive: Person) -> None:
    """Focus, what is unfolded, how far a table is scrolled, and the charts."""
    page = arrive()
    expect(page.locator("#plot-reads canvas")).to_be_visible()
    expect(page.locator("#plot-times canvas")).to_be_visible()
    expect(page.locator(".cp-drawing")).to_be_hidden()
    page.locator("#chart-table summary").click()
    page.locator("#columns summary").click()
    page.evaluate("document.getElementById('policies').scrollLeft = 40")
    page.locator(f"{ROW} a").focus()
    scrolled = page.evaluate("document.getElementById('policies').scrollLeft")
    before = reads(page)
    for _ in range(3):
        running.client.get(WEATHER).raise_for_status()
    let_pass(page)
    expect(page.locator(f"{ROW} > td").nth(1)).to_have_text(str(before + 3))
    expect(page.locator(f"{ROW} a")).to_be_focused()
    assert page.evaluate("document.getElementById('policies').scrollLeft") == scrolled
    for name in ("chart-table", "columns"):
        assert page.evaluate(f"document.getElementById('{name}').open") is True
    assert page.locator(".uplot").count() == 2


def test_legends_show_the_newest_that_there_is(running: SiteUnderTest, arrive: Person) -> None:
    """On a young site it is in the last bucket alone; one without a read says nothing of the charts."""
    running.client.get(WEATHER).raise_for_status()
    page = arrive("/admin/cache/weather.current/?window=7d")
    legends = {name: page.locator(f"#plot-{name} .u-legend .u-value").all_inner_texts() for name in ("reads", "times")}
    _, misses, hits, rate, errors = legends["reads"]
    assert int(misses) + int(hits) > 0
    assert re.fullmatch(r"\d+\.\d\u00a0%", rate)
    assert errors == "0"
    assert all(re.fullmatch(r"[\d.]+ m?s", each) for each in legends["times"][1:])


def test_a_paused_page_and_one_whose_text_is_selected_do_not_ask(arrive: Person) -> None:
    """Until one goes on; paused stays paused on the next page."""
    page = arrive()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "hx-request" in request.headers else None)
    page.evaluate("getSelection().selectAllChildren(document.getElementById('policies-title'))")
    page.clock.run_for(STEP)
    # At once, because the page asks in the moment in which nothing is selected any more.
    page.evaluate("getSelection().removeAllRanges(); document.getElementById('live-button').click()")
    expect(page.locator("#live-text")).to_have_text("Paused")
    page.clock.run_for(STEP)
    page.get_by_role("link", name="6h").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.clock.run_for(STEP)
    assert asked == []
    with page.expect_response(lambda answer: "window=6h" in answer.url):
        page.get_by_role("button", name="Resume").click()
    assert len(asked) == 1


def test_a_page_whose_person_is_signed_out_says_so_and_stops(arrive: Person) -> None:
    """It does not become a sign-in page, and asks no more."""
    page = arrive("/admin/cache/weather.current/")
    page.context.clear_cookies()
    let_pass(page)
    expect(page.locator("#live-text")).to_have_text("You are signed out.")
    expect(page.get_by_role("heading", name="Over time")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(STEP)
    assert asked == []
    page.get_by_role("link", name="Reload").click()
    expect(page.get_by_label("Username")).to_be_visible()


def test_a_site_with_trouble_is_said_and_asked_again(arrive: Person) -> None:
    """The numbers stay, as of when they were."""
    page = arrive()
    page.route("**/admin/cache/*", lambda route: route.fulfill(status=503, body="busy"))
    page.clock.run_for(STEP)
    expect(page.locator("#live-text")).to_have_text("The site has trouble answering; still trying.")
    page.unroute("**/admin/cache/*")
    let_pass(page)
    expect(page.locator("#live-text")).to_have_text("")


@pytest.mark.parametrize("javascript", [True, False])
def test_from_an_entry_to_its_flush(running: SiteUnderTest, arrive: Person, javascript: bool) -> None:
    """By forms and links alone: sort, open the policy, look the entry up, count, flush; the next read loads."""
    running.client.get(WEATHER).raise_for_status()
    page = arrive(javascript=javascript)
    page.get_by_role("link", name=re.compile("^Entries")).click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Entries")
    page.locator(f"{ROW} a").click()
    if not javascript:
        expect(page.locator(".cp-drawing svg")).to_be_visible()
        expect(page.locator(".cp-drawing path.cp-rate")).to_have_attribute("d", re.compile("^M.+H"))
        expect(page.locator(".cp-drawing")).to_contain_text(
            re.compile(r"reads?\s*100.%.*now.*Misses Hits Hit rate", re.S)
        )
        expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    page.get_by_label("lat float").fill("52.52")
    page.get_by_label("lon float").fill("13.41")
    page.get_by_role("button", name="Look up").click()
    expect(page.locator("#found")).to_contain_text("Fresh")
    expect(page.locator("#found pre")).to_contain_text("temperature")
    page.get_by_role("button", name="Flush this entry…").click()
    expect(page.locator("#count")).to_have_text("The entry is there.")
    page.get_by_role("button", name="Flush it").click()
    expect(page.locator(".messagelist")).to_contain_text("1 entry deleted in")
    expect(page.locator("main tbody tr").first).to_contain_text("admin")
    page.get_by_role("link", name="Cache", exact=True).click()
    expect(page.get_by_role("heading", name="Policies")).to_be_visible()


def cut(page: Page) -> list[str]:
    """The tables of which something is out of sight to the right."""
    wider = "each => each.filter(one => one.scrollWidth > one.clientWidth && one.clientWidth).map(one => one.id)"
    found: list[str] = page.locator(".cp-scroll").evaluate_all(wider)
    return [each for each in found if each]


def test_tables_fit_or_fade_where_they_go_on(arrive: Person) -> None:
    """All of them fit on a desk; on a phone the policies' one goes on, and fades until its end is seen."""
    page = arrive()
    page.set_viewport_size({"width": 1280, "height": 800})
    assert cut(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert cut(page) == ["policies"]
    policies = page.locator("#policies")
    expect(policies).to_have_css("--cp-right", "40px")
    policies.evaluate("one => { one.scrollLeft = one.scrollWidth }")
    expect(policies).to_have_css("--cp-right", "0px")


def test_the_dot_is_not_green_while_the_store_is_away(arrive: Person, shared_redis: RedisUnderTest) -> None:
    """What it stands beside is as of now, and knows nothing."""
    page = arrive()
    dot = "getComputedStyle(document.querySelector('.cp-dot')).backgroundColor"
    well = page.evaluate(dot)
    shared_redis.pause()
    try:
        let_pass(page)
        expect(page.locator("#away")).to_be_visible()
        assert page.evaluate(dot) != well
    finally:
        shared_redis.resume()
