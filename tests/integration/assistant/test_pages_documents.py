"""The documents' page without JavaScript: files and texts are added and deleted; what is refused is said clearly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Subscription
from assistant import documents
from assistant.documents import LARGEST_DOCUMENT, add_document
from assistant.models import Document
from assistant.pages import sizes
from config.bodies import LARGEST_BODY
from tests.integration.accounts.browser import Browser, described
from tests.integration.accounts.credentials import new_user
from tests.integration.assistant.browsing import DOCUMENTS, limited
from tests.integration.assistant.callers import caller
from tests.integration.dashboard.conftest import Visit
from tests.integration.dashboard.test_security import check_markup
from tests.unit.assistant.test_uploads import BAD_NAMES, BAD_TEXTS

PAGE = DOCUMENTS


@pytest.fixture
def user() -> Any:
    """Somebody with an account."""
    return new_user()


@pytest.fixture
def browser(user: Any) -> Browser:
    """A browser in which `user` is signed in."""
    return Browser().sign_in(user).get(PAGE)


@pytest.fixture
def no_files(tmp_path: Path, settings: Any) -> Path:
    """An empty folder, which is where anything would go that is written down."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


def a_file(name: str = "notes.md", content: bytes = b"# Notes") -> SimpleUploadedFile:
    """What somebody chose."""
    return SimpleUploadedFile(name, content)


def token_of(browser: Browser) -> str:
    """What the page's forms carry."""
    return browser.page.all("input", name="csrfmiddlewaretoken")[0].attributes["value"] or ""


def sent_raw(browser: Browser, disposition: bytes, content: bytes, *, token: str = "") -> Any:
    """The answer to the form with a file whose Content-Disposition is what it is, however odd."""
    parts = {b"csrfmiddlewaretoken": (token or token_of(browser)).encode(), b"do": b"upload"}
    fields = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % part for part in parts.items()
    )
    body = fields + b"--x\r\nContent-Disposition: %b\r\n\r\n%b\r\n--x--\r\n" % (disposition, content)
    return browser.client.post(PAGE, body, content_type="multipart/form-data; boundary=x")


def names(browser: Browser) -> list[str]:
    """The documents as they are listed."""
    return [each.text for each in browser.page.all("h3")]


def quota(browser: Browser) -> list[str]:
    """What the meters say."""
    return [each.text for each in browser.page.all("p", class_="meter-words")]


class TestAdding:
    """A file, or a pasted text."""

    def test_it_says_what_to_do_first(self, browser: Browser) -> None:
        """And how much there may be."""
        assert "No documents yet." in browser.text
        assert quota(browser) == ["Documents 0 of 10", "Room 0 bytes of 5 MiB"]

    def test_a_file_is_kept_and_listed_at_once(self, browser: Browser, user: Any) -> None:
        """With its size and its place in the quota; nobody else has it."""
        browser.send("upload", file=a_file("notes.md", b"\xef\xbb\xbf# " + b"x" * 2046))
        assert browser.address == PAGE
        assert "“notes.md” is kept." in browser.text
        assert names(browser) == ["notes.md"]
        assert quota(browser) == ["Documents 1 of 10", "Room 2 KiB of 5 MiB"]
        kept = Document.objects.get()
        assert (kept.user_id, kept.text) == (user.pk, "# " + "x" * 2046)
        assert kept.sha256 not in browser.html
        assert names(Browser().sign_in(new_user()).get(PAGE)) == []

    def test_a_pasted_text_is_kept(self, browser: Browser) -> None:
        """Its line ends are as they were typed, and count once."""
        browser.send("paste", name=" recipes.md ", text="Soup\r\n" + "\r\n" * (LARGEST_DOCUMENT - 5))
        assert "“recipes.md” is kept." in browser.text
        kept = Document.objects.get()
        assert (kept.name, kept.size, kept.text[:6]) == ("recipes.md", LARGEST_DOCUMENT, "Soup\n\n")

    @pytest.mark.parametrize("content", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
    def test_what_is_not_text_is_refused(self, browser: Browser, no_files: Path, content: bytes) -> None:
        """400, at the field; nothing is kept anywhere."""
        browser.send("upload", file=a_file("notes.txt", content))
        assert browser.response.status_code == 400
        assert browser.page.only(id="upload-error").text
        assert "upload-error" in (browser.page.only(id="id_file").attributes["aria-describedby"] or "")
        assert browser.page.only("title").text.startswith("Error: ")
        assert not Document.objects.exists()
        assert list(no_files.iterdir()) == []

    @pytest.mark.parametrize(
        "name", [name for name in BAD_NAMES.values() if name and not set(name) & set('"\r\n\0\\')], ids=ascii
    )
    def test_a_name_is_judged_as_it_came(self, browser: Browser, name: str) -> None:
        """As the API does it: what could be a path is not cut to something harmless."""
        raw = name.encode("utf-8", "surrogatepass")
        answer = sent_raw(browser, b'form-data; name="file"; filename="%b"' % raw, b"x")
        assert answer.status_code == 400
        assert not Document.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "field", "words"),
        [
            ({"name": ""}, "id_paste_name", "This field is required."),
            ({"text": ""}, "id_paste_text", "This field is required."),
            ({"text": " \n "}, "id_paste_text", "Is empty."),
            ({"name": "../a.txt"}, "id_paste_name", "no path"),
            ({"name": "notes"}, "id_paste_name", "The name must end in .txt or .md."),
            ({"text": "a\x07b"}, "id_paste_text", "Must be text, without control characters."),
        ],
    )
    def test_what_is_wrong_with_a_pasted_text_is_said(
        self, browser: Browser, fields: dict[str, str], field: str, words: str
    ) -> None:
        """At its field, in a form that is unfolded and has what was typed."""
        browser.send("paste", **{"name": "typed-name.md", "text": "typed words", **fields})
        assert browser.response.status_code == 400
        assert words in described(browser, field)
        assert "open" in browser.page.only("details", class_="paste").attributes
        assert "name" not in fields or "typed words" in browser.html
        assert "text" not in fields or "typed-name.md" in browser.html
        assert not Document.objects.exists()

    def test_what_is_too_large_is_refused(self, browser: Browser, no_files: Path) -> None:
        """413, for a file and a text, and when the form came whole; the largest is kept."""
        for size in (LARGEST_DOCUMENT + 1, LARGEST_BODY - 2000):
            browser.get(PAGE).send("upload", file=a_file("a.txt", b"x" * size))
            assert browser.response.status_code == 413
            assert "A document may have 256 KiB at most." in browser.text
        browser.get(PAGE).send("paste", name="a.txt", text="é" * (LARGEST_DOCUMENT // 2 + 1))
        assert browser.response.status_code == 413
        assert browser.page.only(id="id_paste_text").text.startswith("éé")
        assert list(no_files.iterdir()) == []
        browser.get(PAGE).send("upload", file=a_file("a.txt", b"x" * LARGEST_DOCUMENT))
        assert browser.response.status_code == 200
        assert Document.objects.get().size == LARGEST_DOCUMENT

    def test_no_file_and_two_files_are_told(self, browser: Browser) -> None:
        """By a sentence at the field."""
        browser.send("upload")
        assert (browser.response.status_code, "Choose a file first." in browser.text) == (400, True)
        browser.send("upload", file=[a_file("a.md"), a_file("b.md")])
        assert (browser.response.status_code, "Choose one file at a time." in browser.text) == (400, True)

    def test_one_document_too_many_is_told(self, browser: Browser, user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """409, and the form has what was typed; there is room when one is deleted."""
        monkeypatch.setattr(documents, "MOST_DOCUMENTS", 1)
        add_document(user.pk, name="a.md", text="x")
        browser.get(PAGE).send("paste", name="b.md", text="keep")
        assert browser.response.status_code == 409
        assert "You have 1 documents; delete one first." in browser.text
        assert browser.page.only(id="id_paste_text").text == "keep"
        browser.get(PAGE).send("upload", file=a_file())
        assert browser.response.status_code == 409
        browser.get(PAGE).send("delete")
        assert browser.send("upload", file=a_file()).response.status_code == 200

    def test_uploads_share_the_limit_of_the_api(self, browser: Browser, user: Any, settings: Any) -> None:
        """One budget for both and for files and texts, kept or not; what was typed is not lost."""
        limited(settings, upload="3/60s")
        assert caller(user=user).upload("a.txt", b"x").status_code == 201
        browser.get(PAGE).send("upload", file=a_file("a.exe"))
        browser.get(PAGE).send("upload", file=a_file("b.md", b"x" * (LARGEST_DOCUMENT + 1)))
        browser.get(PAGE).send("paste", name="c.md", text="keep")
        assert browser.response.status_code == 429
        seconds = int(browser.response["Retry-After"])
        assert f"Too many uploads. Try again in {seconds} second" in browser.text
        assert browser.page.only(id="id_paste_name").attributes["value"] == "c.md"
        assert browser.page.only(id="id_paste_text").text == "keep"
        assert caller(user=user).upload("a.txt", b"x").status_code == 429
        assert browser.send("delete").response.status_code == 200
        assert names(browser) == []


class TestTheList:
    """What is there."""

    def test_the_newest_stands_first_on_pages_of_twenty(self, browser: Browser, user: Any) -> None:
        """And what is beyond the last one leads back."""
        Subscription.objects.create(user=user, plan="pro")
        for number in range(21):
            add_document(user.pk, name=f"{number}.md", text="x")
        assert names(browser.get(PAGE))[:2] == ["20.md", "19.md"]
        assert names(browser.get(f"{PAGE}?page=2")) == ["0.md"]
        assert "The list ends before this page" in browser.get(f"{PAGE}?page=3").text
        assert browser.get(f"{PAGE}?page=x").response.status_code == 400

    def test_one_is_deleted_once_and_anothers_never(self, browser: Browser, user: Any) -> None:
        """Both are told alike."""
        mine, theirs = (add_document(each.pk, name="a.md", text="x").id for each in (user, new_user()))
        browser.get(PAGE).send("delete")
        assert "The document is deleted." in browser.text
        assert names(browser) == []
        for number in (str(mine), str(theirs), "x", "9" * 40, ""):
            sent = {"do": "delete", "document": number, "csrfmiddlewaretoken": token_of(browser)}
            answer = browser.client.post(PAGE, sent, follow=True)
            assert "That document is not there any more." in answer.content.decode()
        assert [each.pk for each in Document.objects.all()] == [theirs]

    def test_a_warm_page_asks_no_database(
        self, browser: Browser, user: Any, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        """It says that it came from the cache."""
        add_document(user.pk, name="a.md", text="x")
        browser.get(PAGE)
        with django_assert_num_queries(0):
            browser.get(PAGE)
        assert "From cache" in browser.text

    def test_a_quota_that_is_nearly_used_up_stands_out(self, browser: Browser, user: Any) -> None:
        """By its colour."""
        Document.objects.bulk_create(Document(user=user, name="a.txt", size=1, sha256="", text="x") for _ in range(8))
        looks = [
            each.attributes.get("class")
            for each in browser.get(PAGE).page.all("progress", aria_labelledby="quota-documents")
        ]
        assert looks == ["near"]

    def test_names_stay_text(self, browser: Browser, user: Any) -> None:
        """Whatever signs they have."""
        add_document(user.pk, name="<script>alert(1)<script>.md", text="x")
        browser.get(PAGE)
        check_markup(Visit(browser.response, browser.html))
        assert "<script>alert" not in browser.html


class TestForgery:
    """The page reads the body itself, and looks for the token after that."""

    @pytest.mark.parametrize("do", ["upload", "paste", "delete"])
    def test_a_form_of_another_site_does_nothing(self, browser: Browser, user: Any, do: str, settings: Any) -> None:
        """403, and it counts for no limit."""
        limited(settings, upload="1/60s")
        kept = add_document(user.pk, name="a.md", text="x")
        sent = {"do": do, "file": a_file(), "name": "b.md", "text": "x", "document": str(kept.id)}
        for token in ({}, {"csrfmiddlewaretoken": "x" * 64}):
            assert browser.client.post(PAGE, {**sent, **token}).status_code == 403
        large = b"x" * (LARGEST_DOCUMENT + 100_000)
        wrong = sent_raw(browser, b'form-data; name="file"; filename="a.txt"', large, token="y" * 64)
        assert wrong.status_code == 403
        assert [each.name for each in Document.objects.all()] == ["a.md"]
        assert caller(user=user).upload("a.txt", b"x").status_code == 201

    def test_strangers_are_sent_to_sign_in(self) -> None:
        """With whatever they send."""
        answer = Client().post(PAGE, {"do": "upload", "file": a_file()})
        assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={PAGE}")
        assert not Document.objects.exists()

    @pytest.mark.parametrize("body", [b"", b"hello", b"--x\r\n", b"--x\r\nContent-Disposition: form-data; name=do\r\n"])
    @pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "multipart/form-data", "text/plain"])
    def test_a_body_that_is_no_form_is_no_error_of_ours(self, browser: Browser, body: bytes, kind: str) -> None:
        """400 or 403."""
        assert browser.client.post(PAGE, body, content_type=kind).status_code in {400, 403}


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1024, "1 KiB"), (1535, "1.4 KiB"), (1536, "1.5 KiB"),
        (10 * 1024 - 1, "9.9 KiB"), (100_000, "97 KiB"), (1024 * 1024 - 1, "1023 KiB"), (5 * 1024 * 1024, "5 MiB"),
    ],
)  # fmt: skip
def test_sizes_in_words(size: int, words: str) -> None:
    """Cut, so that what is nearly full is not called full."""
    assert sizes.size_words(size) == words
