"""Documents as they are sent: what is kept, and clear problems for the rest, with nothing stored."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Subscription
from assistant import documents
from assistant.documents import LARGEST_DOCUMENT, MOST_DOCUMENTS
from assistant.models import Document
from config.bodies import LARGEST_BODY
from tests.integration.assistant.callers import WAYS, Caller, caller
from tests.unit.assistant.test_uploads import BAD_NAMES, BAD_TEXTS


@pytest.fixture
def ada() -> Caller:
    """Somebody."""
    return caller()


@pytest.fixture
def no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Path:
    """An empty folder, which is where anything would go that is written down."""
    settings.FILE_UPLOAD_TEMP_DIR = settings.MEDIA_ROOT = str(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_refused(answer: Any, status: int, field: str = "") -> None:
    """A problem that names the field, and nothing stored."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert len(answer.content) < 600
    if field:
        assert list(answer.json()["errors"]) == [field]
    assert not Document.objects.exists()


@pytest.mark.parametrize("way", WAYS)
def test_a_document_is_kept_however_it_is_sent(way: str) -> None:
    """As a file or as JSON; the list shows it at once, without its text."""
    ada = caller(way)
    content = "\ufeff# Grüße\r\n".encode()
    answer = ada.upload("Zoe\u0308.MD", content)
    kept = answer.json()["data"]
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert (kept["name"], kept["size"]) == ("Zoë.MD", len(content) - 3)
    assert kept["sha256"] == hashlib.sha256(content[3:]).hexdigest()
    assert ada.data("documents") == {"items": [kept], "total": 1, "page": 1}
    other = ada.post("documents", {"name": "b.txt", "text": "b"})
    assert ada.data("documents")["items"] == [other, kept]
    assert Document.objects.get(pk=kept["id"]).text == "# Grüße\r\n"
    assert ada.send("DELETE", f"documents/{kept['id']}").status_code == 200
    assert ada.data("documents")["items"] == [other]


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_a_name_that_is_more_than_a_name_is_refused(ada: Caller, no_files: Path, name: str) -> None:
    """As JSON; nothing is written anywhere."""
    assert_refused(ada.send("POST", "documents", {"name": name, "text": "x"}), 400, "name")
    assert list(no_files.iterdir()) == []


SENT_NAMES = {name: BAD_NAMES[name] for name in BAD_NAMES if name not in {"NUL", "a line", "half a pair"}}


@pytest.mark.parametrize("name", SENT_NAMES.values(), ids=SENT_NAMES.keys())
def test_the_name_of_a_file_is_judged_as_it_came(ada: Caller, no_files: Path, name: str) -> None:
    """Not as what a library makes of it: ../../etc/passwd.txt is refused, not kept as passwd.txt."""
    assert_refused(ada.upload(name.replace("\\", "\\\\"), b"x"), 400)
    assert list(no_files.iterdir()) == []


HEADS = {
    "RFC 5987": b"form-data; name=\"file\"; filename*=UTF-8''..%2F..%2Fnotes.txt",
    "RFC 5987, NUL": b"form-data; name=\"file\"; filename*=UTF-8''notes%00.txt",
    "RFC 5987, a line": b"form-data; name=\"file\"; filename*=UTF-8''notes%0A.txt",
    "RFC 5987, unknown charset": b"form-data; name=\"file\"; filename*=utf-99''notes%20.txt",
    "RFC 5987, bent": b"form-data; name=\"file\"; filename*='''''",
    "latin-1": 'form-data; name="file"; filename="Grüße.txt"'.encode("latin-1"),
    "no name": b'form-data; name="file"',
    "empty name": b'form-data; name="file"; filename=""',
    "another field": b'form-data; name="other"; filename="notes.txt"',
    "nothing": b"form-data",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_an_odd_part_is_a_problem(ada: Caller, no_files: Path, head: bytes) -> None:
    """Whatever its header says: 400, and never a 500."""
    assert_refused(ada.upload("", b"x", given=head), 400)
    assert list(no_files.iterdir()) == []


BODIES = {
    "not a form": (b"hello", "multipart/form-data; boundary=x"),
    "no boundary": (b"hello", "multipart/form-data"),
    "a bad boundary": (b"hello", "multipart/form-data; boundary=\xe9"),
    "empty": (b"", "multipart/form-data; boundary=x"),
    "cut": (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n',
        "multipart/form-data; boundary=x",
    ),
    "a thousand fields": (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1001 + b"--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    "two files": (
        b"".join(
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\n1\r\n' % name
            for name in (b"a.txt", b"../b.txt")
        )
        + b"--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    "base64 that is none": (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "kind"), BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("way", ["session", "token"])
def test_an_odd_form_is_a_problem(way: str, body: bytes, kind: str, no_files: Path) -> None:
    """400, also where the form is looked at before anybody is known."""
    ada = caller(way)
    answer = ada.client.generic("POST", "/api/documents", body, content_type=kind, headers=ada.headers)
    assert_refused(answer, 400)
    assert list(no_files.iterdir()) == []


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/octet-stream"])
def test_other_kinds_of_bodies_are_refused(ada: Caller, kind: str) -> None:
    """415."""
    answer = ada.client.generic("POST", "/api/documents", b"name=a.txt&text=x", content_type=kind, headers=ada.headers)
    assert_refused(answer, 415)


@pytest.mark.parametrize("content", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
@pytest.mark.parametrize("name", ["notes.txt", "notes.md"])
def test_what_is_not_text_is_refused(ada: Caller, no_files: Path, name: str, content: bytes) -> None:
    """A program called .txt, an archive called .md, other encodings, nothing."""
    assert_refused(ada.upload(name, content), 400, "file")
    assert list(no_files.iterdir()) == []


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "\ud800", "\x07"])
def test_what_is_not_text_is_refused_as_json_too(ada: Caller, text: str) -> None:
    """By its field."""
    assert_refused(ada.send("POST", "documents", {"name": "a.txt", "text": text}), 400, "text")


def test_a_document_of_the_largest_size_is_kept_and_one_byte_more_is_not(ada: Caller, no_files: Path) -> None:
    """413, as a file and as JSON; letters of two bytes count as two."""
    for text in ("x" * (LARGEST_DOCUMENT + 1), "é" * (LARGEST_DOCUMENT // 2 + 1)):
        assert_refused(ada.upload("a.txt", text.encode()), 413)
        assert_refused(ada.send("POST", "documents", {"name": "a.txt", "text": text}), 413)
    assert_refused(ada.upload("a.txt", b"x" * (LARGEST_BODY - 1000)), 413)
    assert list(no_files.iterdir()) == []
    assert ada.upload("a.txt", b"x" * LARGEST_DOCUMENT).status_code == 201
    assert ada.post("documents", {"name": "a.txt", "text": "é" * (LARGEST_DOCUMENT // 2)})["size"] == LARGEST_DOCUMENT


def test_there_are_as_many_documents_as_may_be(ada: Caller) -> None:
    """409 for one more, until one is deleted, whatever was agreed; others have their own."""
    Subscription.objects.create(user=ada.user, limits={"documents": 10 * MOST_DOCUMENTS})
    Document.objects.bulk_create(
        Document(user=ada.user, name="a.txt", size=1, sha256="", text="x") for _ in range(MOST_DOCUMENTS)
    )
    refused = ada.upload("b.txt", b"x")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:problem:quota")
    assert str(MOST_DOCUMENTS) in refused.json()["detail"]
    assert Document.objects.count() == MOST_DOCUMENTS
    assert caller().upload("b.txt", b"x").status_code == 201
    ada.send("DELETE", f"documents/{Document.objects.filter(user=ada.user).first().pk}")  # type: ignore[union-attr]
    assert ada.upload("b.txt", b"x").status_code == 201


def test_documents_together_are_as_large_as_may_be(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the byte."""
    monkeypatch.setattr(documents, "MOST_BYTES", 100)
    assert ada.upload("a.txt", b"x" * 60).status_code == 201
    assert ada.upload("b.txt", b"x" * 41).status_code == 409
    assert ada.upload("b.txt", b"x" * 40).status_code == 201
    assert ada.data("stats")["document_bytes"] == 100


def test_uploads_are_limited_and_reads_are_not(settings: Any) -> None:
    """By the user, whether they are kept or not."""
    limits = {**settings.CACHE_PLATFORM["RATE_LIMITS"], "upload": "2/60s"}
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": limits}
    ada, grace = caller(), caller()
    answers = [ada.upload("a.txt", b"x"), ada.upload("a.exe", b"x"), ada.upload("b.txt", b"x")]
    assert [answer.status_code for answer in answers] == [201, 400, 429]
    assert answers[0]["RateLimit-Policy"] == '"upload";q=2;w=60'
    assert ada.get("documents").status_code == 200
    assert grace.upload("a.txt", b"x").status_code == 201
