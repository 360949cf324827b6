"""Documents and personas in a real browser: uploads that show how they fare, and everything again without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.browser.signing_in import sign_in
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import SiteUnderTest, base_environment, copy_database
from tests.services.waiting import wait_until

pytestmark = pytest.mark.system
Person = Callable[..., Page]
DOCUMENTS, PERSONAS = "/assistant/documents/", "/assistant/personas/"
DROP = """(form, given) => {
  const data = new DataTransfer();
  for (const { name, text } of given.files) data.items.add(new File([text], name, { type: "text/plain" }));
  const target = given.beside ? document.body : form;
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
    target.dispatchEvent(event);
    if (!event.defaultPrevented) throw new Error(`${kind} would open the file`);
  }
}"""

WIDE = """[...document.querySelectorAll("main *")].filter((each) => each.getBoundingClientRect().right > innerWidth)
  .map((each) => each.outerHTML.slice(0, 90))"""
SIZES = """all => all.filter((each) => each.checkVisibility() && each.type !== "checkbox" && !each.closest("p, small"))
  .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect().height])"""
"""Links in a line of text are no targets that have to be large, and boxes have their label."""


@pytest.fixture(scope="module")
def running(
    shared_redis: RedisUnderTest,
    shared_sandbox: SandboxUnderTest,
    migrated_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SiteUnderTest]:
    """One site for all of these tests; each uses it as somebody else."""
    shared_redis.flush()
    folder = tmp_path_factory.mktemp("documents")
    copy_database(migrated_database, folder / "site.sqlite3")
    variables = {
        "REDIS_URL": shared_redis.url,
        "SANDBOX_URL": shared_sandbox.url,
        "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
        "RATE_LIMIT_UPLOAD": "1000/60s",
    }
    with SiteUnderTest(base_environment(folder, **variables), workers=1) as site:
        yield site


@pytest.fixture
def arrive(running: SiteUnderTest, person: Person) -> Callable[..., Page]:
    """`arrive(address, who, javascript=True)`: a page there, of somebody who has signed in."""

    def come(address: str, who: str, *, javascript: bool = True) -> Page:
        page = person(running.url, javascript=javascript)
        sign_in(page, running.url, who)
        page.goto(address)
        return page

    return come


def a_file(name: str, content: bytes = b"x") -> FilePayload:
    """What somebody chooses."""
    return {"name": name, "mimeType": "text/plain", "buffer": content}


def choose(page: Page, *files: FilePayload) -> None:
    """In the page's field; a script uploads at once."""
    page.locator("input[type=file]").set_input_files(files)


def of_file(page: Page, name: str) -> Locator:
    """What the list of the upload says of a file."""
    return page.locator(".file", has_text=name)


def listed(page: Page) -> Sequence[str]:
    """The names of the documents that there are."""
    return page.locator("#documents h3").all_inner_texts()


def arrived(page: Page, routes: list[Route], number: int) -> Route:
    """The request of that number, when the browser has sent it; looking at the page lets its events in."""
    wait_until(lambda: page.title() and len(routes) >= number, what=f"request {number} is sent")
    return routes[number - 1]


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_files_are_uploaded_one_after_the_other_and_listed(arrive: Callable[..., Page]) -> None:
    """What cannot be kept is refused before it is sent; what the server refuses is shown in its words; when the limit
    is used up, the rest goes on by itself."""
    page = arrive(DOCUMENTS, "ada")
    sent: list[Route] = []

    def hold_from_the_fifth_on(route: Route) -> None:
        sent.append(route)
        if len(sent) < 5:
            route.continue_()

    page.route("**/api/documents", hold_from_the_fifth_on)
    choose(
        page, a_file("a.md", b"x" * 2048), a_file("b.txt"), a_file("c.png"), a_file("empty.txt", b""),
        a_file("large.txt", b"x" * (256 * 1024 + 1)), a_file("program.txt", b"\0ELF"), a_file("d.md"), a_file("e.md"),
        a_file("f.md"),
    )  # fmt: skip
    expect(of_file(page, "c.png")).to_contain_text("Only .txt and .md files can be added.")
    expect(of_file(page, "empty.txt")).to_contain_text("The file is empty.")
    expect(of_file(page, "large.txt")).to_contain_text("A document may have 256 KiB at most.")
    expect(of_file(page, "program.txt")).to_contain_text("Must be text, without control characters.")
    expect(page.locator("#documents h3")).to_have_text(["d.md", "b.txt", "a.md"])
    expect(of_file(page, "e.md").locator(".file-state")).to_have_text("Uploading")
    of_file(page, "f.md").get_by_role("button", name="Cancel").click()
    expect(of_file(page, "f.md")).to_have_count(0)
    arrived(page, sent, 5).fulfill(
        status=429, headers={"Retry-After": "1"}, content_type="application/problem+json", body="{}"
    )
    said = page.get_by_role("status").and_(page.locator("[data-said]"))
    expect(said).to_have_text("Too many uploads. e.md goes on in 1 second.")
    arrived(page, sent, 6).continue_()
    expect(of_file(page, "e.md").locator(".file-state")).to_have_text("Kept")
    expect(page.locator("#documents h3")).to_have_text(["e.md", "d.md", "b.txt", "a.md"])
    expect(page.locator("#documents")).to_contain_text("4 of 30")
    expect(said).to_have_text("e.md is kept.")
    assert len(sent) == len(["a.md", "b.txt", "program.txt", "d.md", "e.md", "e.md"])
    page.reload()
    assert listed(page) == ["e.md", "d.md", "b.txt", "a.md"]


def test_progress_is_shown_and_a_lost_connection_is_tried_again(arrive: Callable[..., Page]) -> None:
    """A bar while it is on its way; the file is sent again when somebody says so. A server that is busy is told."""
    page = arrive(DOCUMENTS, "grace")
    waiting: list[Route] = []
    page.route("**/api/documents", lambda route: waiting.append(route))
    choose(page, a_file("a.md"))
    bar = page.get_by_role("progressbar", name="Upload of a.md")
    expect(bar).to_be_visible()
    expect(of_file(page, "a.md").locator(".file-state")).to_have_text("Uploading")
    arrived(page, waiting, 1).abort()
    expect(of_file(page, "a.md")).to_contain_text("The connection was lost.")
    again = of_file(page, "a.md").get_by_role("button", name="Try again")
    again.click()
    expect(bar).to_be_visible()
    problem = '{"detail": "The database does not answer at the moment."}'
    arrived(page, waiting, 2).fulfill(status=503, content_type="application/problem+json", body=problem)
    expect(of_file(page, "a.md")).to_contain_text("The database does not answer at the moment.")
    page.unroute("**/api/documents")
    again.click()
    expect(of_file(page, "a.md").locator(".file-state")).to_have_text("Kept")
    expect(page.locator("#documents h3")).to_have_text(["a.md"])


def test_who_is_signed_out_meanwhile_is_told(arrive: Callable[..., Page]) -> None:
    """By the file."""
    page = arrive(DOCUMENTS, "grace")
    page.context.clear_cookies()
    choose(page, a_file("late.md"))
    expect(of_file(page, "late.md")).to_contain_text("You are not signed in here any more.")


def test_files_are_dropped_onto_the_panel(arrive: Callable[..., Page]) -> None:
    """What is dropped beside it does nothing, and does not take the page away. What is unfolded stays so."""
    page = arrive(DOCUMENTS, "admin")
    form = page.locator("[data-upload]")
    form.evaluate(DROP, {"beside": True, "files": [{"name": "beside.md", "text": "x"}]})
    form.evaluate(DROP, {"files": [{"name": "one.md", "text": "x"}]})
    expect(page.locator("#documents h3")).to_have_text(["one.md"])
    page.locator("#documents summary").click()
    form.evaluate(DROP, {"files": [{"name": "two.md", "text": "x"}]})
    expect(page.locator("#documents h3")).to_have_text(["two.md", "one.md"])
    expect(page.get_by_role("button", name="Yes, delete “one.md”")).to_be_visible()
    expect(page.locator(".file")).to_have_count(2)
    page.get_by_role("button", name="Yes, delete “one.md”").click()
    expect(page.locator("#documents h3")).to_have_text(["two.md"])


def test_all_of_it_works_without_javascript(arrive: Callable[..., Page]) -> None:
    """A file, a text, a deletion; a persona made, used, changed and deleted."""
    page = arrive(DOCUMENTS, "ada", javascript=False)
    choose(page, a_file("plain.md"))
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".told")).to_have_text("“plain.md” is kept.")
    page.locator("summary", has_text="Paste a text").click()
    page.get_by_label("Name").fill("pasted.md")
    page.get_by_label("Text", exact=True).fill("Soup\nand more")
    page.get_by_role("button", name="Add text").click()
    expect(page.locator("#documents h3").first).to_have_text("pasted.md")
    page.locator("#documents summary").first.click()
    page.get_by_role("button", name="Yes, delete “pasted.md”").click()
    expect(page.locator("#documents h3").first).to_have_text("plain.md")

    page.goto(PERSONAS)
    page.locator("#id_name").fill("Poet")
    page.locator("#id_system_prompt").fill("Rhyme.")
    page.get_by_role("button", name="Create persona").click()
    page.get_by_role("button", name="Use Poet by default").click()
    expect(page.locator(".persona", has_text="Poet")).to_contain_text("Default")
    page.get_by_role("link", name="Edit Poet").click()
    page.locator("#id_system_prompt").fill("Rhyme.\nAlways.")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("main")).to_contain_text("This is version 2.")
    page.locator("summary", has_text="Delete").click()
    page.get_by_role("button", name="Yes, delete “Poet”").click()
    expect(page.get_by_role("heading", name="All personas 3")).to_be_visible()


def test_the_slider_and_the_number_are_one(arrive: Callable[..., Page]) -> None:
    """Either sets the temperature that is kept."""
    page = arrive(PERSONAS, "ada")
    slider, number = page.get_by_role("slider", name="Temperature"), page.get_by_role("spinbutton", name="Temperature")
    expect(slider).to_have_value("0.7")
    slider.press("ArrowRight")
    expect(number).to_have_value("0.8")
    number.fill("1.5")
    expect(slider).to_have_value("1.5")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".told")).to_have_text("New conversations begin with this.")
    expect(number).to_have_value("1.5")


@pytest.mark.parametrize("address", [PERSONAS, DOCUMENTS])
def test_nothing_is_scrolled_sideways_and_targets_are_large_enough(arrive: Callable[..., Page], address: str) -> None:
    """At 320 pixels: WCAG 1.4.10; 24 pixels for what is pressed: 2.5.8."""
    page = arrive(address, "grace")
    page.set_viewport_size({"width": 320, "height": 700})
    page.reload()
    assert fits(page), page.evaluate(WIDE)
    sizes: list[Any] = (
        page.get_by_role("main").locator("a, button, summary, select, input, textarea").evaluate_all(SIZES)
    )
    assert sizes
    assert [what for what, height in sizes if height < 24] == []
