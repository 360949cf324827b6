"""What is checked of a document before it is kept: its name, and that it is text."""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote

from django.core.exceptions import ValidationError

from accounts.validators import normal_name, validate_plain_text
from assistant.documents import LARGEST_DOCUMENT
from assistant.exceptions import TooLarge
from assistant.models.document import LONGEST_DOCUMENT_NAME
from assistant.validators import validate_text

SUFFIXES = (".txt", ".md")
NUMBERED_DEVICES = {f"{kind}{number}" for kind in ("COM", "LPT") for number in "0123456789¹²³"}
DEVICES = NUMBERED_DEVICES | {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
"""Names that Windows takes for devices, whatever stands behind their first dot."""
BOM = "\ufeff"


def checked_name(given: str) -> str:
    """The name in one spelling. Raises ValidationError for what is not a plain name of a .txt or .md file: nothing here
    uses it as a path, and neither shall whoever keeps the document under it."""
    name = normal_name(given)
    if not 0 < len(name) <= LONGEST_DOCUMENT_NAME:
        raise ValidationError(f"the name must have 1 to {LONGEST_DOCUMENT_NAME} characters")
    validate_plain_text(name)
    if "\ufffd" in name:
        raise ValidationError("the name must be in UTF-8")
    meant = _meant(name)
    device = any(each.partition(".")[0].strip().upper() in DEVICES for each in (name, meant))
    if device or meant.startswith(".") or any(sign in meant for sign in "/\\:"):
        raise ValidationError("the name must be that of a file alone: no path, no device")
    if not name.lower().endswith(SUFFIXES):
        raise ValidationError(f"the name must end in {' or '.join(SUFFIXES)}")
    return name


def checked_text(given: bytes | str) -> str:
    """The document's text, without a byte order mark. Raises TooLarge, and ValidationError for what is empty or not
    text in UTF-8."""
    if len(given) > LARGEST_DOCUMENT:
        raise TooLarge(LARGEST_DOCUMENT)
    try:
        text = given.decode() if isinstance(given, bytes) else given
    except UnicodeDecodeError:
        raise ValidationError("must be text in UTF-8") from None
    text = text.removeprefix(BOM)
    validate_text(text)
    if not text.strip():
        raise ValidationError("is empty")
    return text


def _meant(name: str) -> str:
    """The name as whoever reads it again may read it: without the escapes of addresses, however many times over, and
    with plain signs in the place of those that only look else."""
    while (plain := unicodedata.normalize("NFKC", unquote(name))) != name:
        name = plain
    return name
