"""What providers send, made harmless: plain text, links that may be clicked, dates in UTC. Pure functions."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

MAX_TITLE = 300
MAX_SUMMARY = 500
MAX_NAME = 100
MAX_URL = 2000
_INPUT_PER_OUTPUT = 8  # how much longer than the wanted text the markup around it may be

# One that is never closed matches to the end, so that no later one searches the same text for its own close again.
_HIDDEN = re.compile(r"<!--.*?(?:(-->)|\Z)|<(script|style)\b.*?(?:(</\2\s*>)|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_SPACE_BEFORE_STOP = re.compile(r" (?=[.,](?:\s|$))")
# Marks that turn the direction of text, and such as are not seen: they let a title pose as another one.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE = frozenset("\u200b\u2060\ufeff\u00ad")


def clean_text(text: str | None, *, limit: int) -> str:
    """`text` without HTML, controls and runs of white space, cut at a word to at most `limit` characters.

    Entities are read twice, because some feeds send escaped HTML inside HTML.
    """
    plain = _without_tags(_visible((text or "")[: limit * _INPUT_PER_OUTPUT]))
    for _ in range(2):
        plain = _without_tags(_visible(html.unescape(plain)))
    return _cut(_SPACE_BEFORE_STOP.sub("", " ".join(plain.split())), limit)


def _without_tags(text: str) -> str:
    # A space in the place of each tag, so that what is left on both sides cannot join to a new tag.
    return _TAG.sub(" ", _HIDDEN.sub(_unless_closed, text))


def _unless_closed(hidden: re.Match[str]) -> str:
    # What is not closed stays: headlines that name a tag, as "Why <script> blocks", would lose the rest.
    return " " if hidden[1] or hidden[3] else hidden[0]


def _visible(text: str) -> str:
    return "".join(map(_visible_letter, text))


def _visible_letter(letter: str) -> str:
    if letter in _BIDI or letter in _INVISIBLE:
        return ""
    return " " if unicodedata.category(letter) in {"Cc", "Cs"} else letter


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    shorter = kept.rpartition(" ")[0]
    return (shorter if len(shorter) > limit // 2 else kept).rstrip() + "…"


def clean_link(url: str | None) -> str | None:
    """`url` when it is an absolute http or https address without credentials; None for anything else."""
    link = (url or "").strip()
    if not link or len(link) > MAX_URL or not link.isprintable() or " " in link or "\\" in link:
        return None
    try:
        parts = urlsplit(link)
        acceptable = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        return link if acceptable and parts.port != 0 else None
    except ValueError:
        return None


def parse_date(text: str | None) -> datetime | None:
    """The moment in UTC, from ISO 8601 or RFC 5322; UTC is assumed where no offset is given. None when unreadable."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        try:
            moment = parsedate_to_datetime(text or "")
        except (ValueError, OverflowError):
            return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None
