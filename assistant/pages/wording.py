"""Numbers and failures of the assistant in words. Pure functions."""

from __future__ import annotations

from accounts.pages.wording import wait_words
from assistant.llm import NO_ANSWER, NoAnswer
from assistant.schema import Stats
from cache_platform.exceptions import LoadRefused, SourceError

MICRO_USD = 1_000_000
LEAST_TOLD = 50
"""Millionths of a dollar; less is no money in four places behind the point."""


def totals_words(stats: Stats) -> str:
    """What somebody's answers took and saved; empty before the first one."""
    if not stats.tokens_used and not stats.tokens_saved:
        return ""
    saved = f"{stats.tokens_saved:,} saved by the cache"
    if stats.micro_usd_saved >= LEAST_TOLD:
        usd = stats.micro_usd_saved / MICRO_USD
        saved += f" (${usd:,.2f})" if usd >= 1 else f" (${usd:.4f})"
    return f"{tokens_words(stats.tokens_used)} paid, {saved}"


def tokens_words(count: int) -> str:
    """As in `1,234 tokens`."""
    return f"{count:,} token{'' if count == 1 else 's'}"


def documents_words(count: int) -> str:
    """As in `3 documents`."""
    return f"{count:,} document{'' if count == 1 else 's'}"


def failure_words(error: SourceError | LoadRefused, *, retry_after: int) -> str:
    """Why there is no answer, and when to ask again; `retry_after` in seconds."""
    if isinstance(error, NoAnswer):
        return NO_ANSWER
    what = "The assistant does not answer" if isinstance(error, SourceError) else "Too many questions are under way"
    return f"{what} at the moment. Try again in {wait_words(retry_after)}."
