"""Names and texts of documents: what is kept, and what is refused with a clear word."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from assistant.documents import LARGEST_DOCUMENT
from assistant.exceptions import TooLarge
from assistant.uploads import checked_name, checked_text

BAD_NAMES = {
    "parent": "../notes.txt",
    "deep": "../../../../etc/passwd.txt",
    "absolute": "/etc/passwd.txt",
    "backslashes": "..\\..\\boot.txt",
    "a drive": "C:\\notes.txt",
    "a drive alone": "C:notes.txt",
    "a share": "\\\\host\\share\\notes.txt",
    "a stream": "notes.txt:hidden.md",
    "percent": "%2e%2e%2fnotes.txt",
    "percent, backslash": "..%5Cnotes.txt",
    "full width": "..\uff0fnotes.txt",
    "hidden": ".htaccess.txt",
    "dots": "..txt",
    "suffix alone": ".md",
    "NUL": "notes.txt\0.md",
    "a line": "notes\n.txt",
    "half a pair": "\ud800.txt",
    "bidi": "notes\u202etxt.md",
    "not UTF-8": "notes\ufffd.txt",
    "device": "CON.txt",
    "device in small letters": "nul.md",
    "device with more": "com1.backup.txt",
    "device with a space": "aux .txt",
    "device, superscript": "LPT¹.txt",
    "percent, twice": "%252e%252e%252fnotes.txt",
    "percent, again and again": "a%" + "25" * 60 + "2fnotes.txt",
    "percent, full width": "..\uff052fnotes.txt",
    "percent of full width": "..%ef%bc%8fnotes.txt",
    "device, full width": "\uff2e\uff35\uff2c.txt",
    "device, percent": "%4eul.txt",
    "device for input": "CONIN$.txt",
    "device for output": "conout$.md",
    "empty": "",
    "spaces": "   ",
    "long": "n" * 197 + ".txt",
    "very long": "n" * 100_000 + ".txt",
    "no suffix": "notes",
    "another suffix": "notes.exe",
    "two suffixes": "notes.txt.exe",
    "a space behind": "notes.txt .exe",
    "a dot behind": "notes.txt.",
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_a_name_that_is_more_than_a_name_is_refused(name: str) -> None:
    """By one short sentence, which does not repeat it."""
    with pytest.raises(ValidationError) as refused:
        checked_name(name)
    assert all(len(text) < 100 for text in refused.value.messages)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("notes.txt", "notes.txt"),
        ("  Notes 2026.MD ", "Notes 2026.MD"),
        ("Zoe\u0308's résumé (1).md", "Zoë's résumé (1).md"),
        ("日本語.txt", "日本語.txt"),
        ("100%.txt", "100%.txt"),
        ("console.txt", "console.txt"),
        ("n" * 196 + ".txt", "n" * 196 + ".txt"),
    ],
)
def test_a_name_is_kept_in_one_spelling(name: str, kept: str) -> None:
    """NFC, trimmed, else as it is."""
    assert checked_name(name) == kept


@given(st.text(max_size=300))
def test_whatever_is_kept_stays_in_its_folder(name: str) -> None:
    """Of any text at all: accepted names have no separator, and are accepted again unchanged."""
    try:
        kept = checked_name(name + ".txt")
    except ValidationError:
        return
    assert not set(kept) & set("/\\:\0\n")
    assert kept not in {".", ".."}
    assert checked_name(kept) == kept


def zipped() -> bytes:
    """An archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.md", "# Notes\n" * 100)
    return content.getvalue()


BAD_TEXTS = {
    "empty": b"",
    "white": b" \n\t\r\n",
    "a byte order mark alone": b"\xef\xbb\xbf",
    "a program": b"\x7fELF\x02\x01\x01\x00\x00",
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "an archive": zipped(),
    "UTF-16": "Grüße".encode("utf-16"),
    "UTF-16 without a mark": "Hello".encode("utf-16-le"),
    "UTF-32": "Hello".encode("utf-32"),
    "latin-1": "Grüße".encode("latin-1"),
    "cut in a letter": "Grüß".encode()[:-1],
    "a surrogate": b"\xed\xa0\x80",
    "overlong": b"\xc0\xaf",
    "NUL": b"Hello\x00",
    "escape": b"\x1b[31mHello",
    "a C1 control": "Hello\x85".encode(),
}


@pytest.mark.parametrize("content", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_what_is_not_text_in_utf8_is_refused(content: bytes) -> None:
    """However it is called."""
    with pytest.raises(ValidationError):
        checked_text(content)


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "\ud800", "\x07", "\ufeff"])
def test_texts_that_came_as_json_are_checked_likewise(text: str) -> None:
    """What JSON can carry, and no database or no reader."""
    with pytest.raises(ValidationError):
        checked_text(text)


def test_text_is_kept_as_it_is_but_for_its_mark() -> None:
    """Line ends and tabs too."""
    assert checked_text("\ufeffGrüße,\r\n\tZoë\n".encode()) == "Grüße,\r\n\tZoë\n"
    assert checked_text("\ufeffGrüße") == "Grüße"


def test_a_text_that_is_too_large_is_refused_before_it_is_read() -> None:
    """By its bytes: at the limit it is kept."""
    assert len(checked_text(b"x" * LARGEST_DOCUMENT)) == LARGEST_DOCUMENT
    with pytest.raises(TooLarge):
        checked_text(b"\xff" * (LARGEST_DOCUMENT + 1))
