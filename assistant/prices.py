"""What tokens cost, by the settings."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings

MICRO_USD = Decimal(1_000_000)


def micro_usd(*, prompt_tokens: int, completion_tokens: int) -> int:
    """Millionths of a US dollar, rounded half up, by LLM_PRICE_PROMPT and LLM_PRICE_COMPLETION, or LLM_PRICE_PER_1000
    where one of them is not set: US dollars for 1,000 tokens."""
    both = settings.LLM_PRICE_PER_1000
    prompt = both if settings.LLM_PRICE_PROMPT is None else settings.LLM_PRICE_PROMPT
    completion = both if settings.LLM_PRICE_COMPLETION is None else settings.LLM_PRICE_COMPLETION
    usd = (prompt_tokens * prompt + completion_tokens * completion) / 1000
    return int((usd * MICRO_USD).to_integral_value(ROUND_HALF_UP))
