"""What the chat page says of numbers and failures."""

from __future__ import annotations

import pytest

from assistant.pages.wording import documents_words, failure_words, tokens_words, totals_words
from assistant.schema import Stats
from cache_platform.exceptions import LoadRefused, LoadShed, SourceError, SourceTimeout

NOTHING = {"user_id": 1, "conversations": 0, "messages": 0, "documents": 0, "document_bytes": 0}


@pytest.mark.parametrize(
    ("used", "saved", "micro_usd", "words"),
    [
        (0, 0, 0, ""),
        (1, 0, 0, "1 token paid, 0 saved by the cache"),
        (1234, 56, 49, "1,234 tokens paid, 56 saved by the cache"),
        (0, 56, 50, "0 tokens paid, 56 saved by the cache ($0.0001)"),
        (9, 5_000_000, 999_900, "9 tokens paid, 5,000,000 saved by the cache ($0.9999)"),
        (9, 5_000_000, 1_234_567_890, "9 tokens paid, 5,000,000 saved by the cache ($1,234.57)"),
    ],
)
def test_the_totals_in_words(used: int, saved: int, micro_usd: int, words: str) -> None:
    """Money only where there is enough of it to be told."""
    stats = Stats(**NOTHING, tokens_used=used, tokens_saved=saved, micro_usd_saved=micro_usd)
    assert totals_words(stats) == words


def test_numbers_in_words() -> None:
    """One, and more."""
    assert [tokens_words(1), tokens_words(1200)] == ["1 token", "1,200 tokens"]
    assert [documents_words(1), documents_words(50)] == ["1 document", "50 documents"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SourceTimeout("m", "secret"), "The assistant does not answer at the moment. Try again in 5 seconds."),
        (LoadShed("secret", retry_after=5), "Too many questions are under way at the moment. Try again in 5 seconds."),
    ],
)
def test_failures_in_words(error: SourceError | LoadRefused, words: str) -> None:
    """Without what is said about them in the log."""
    assert failure_words(error, retry_after=5) == words
