"""What tokens cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from assistant.prices import micro_usd


@pytest.mark.parametrize(
    ("both", "prompt", "completion", "cost"),
    [
        ("0.002", None, None, 3_000),
        ("0.002", "0.01", None, 11_000),
        ("0.002", None, "0.01", 7_000),
        ("0.002", "0.001", "0.003", 2_500),
        ("0.002", "0", "0", 0),
        ("0", None, None, 0),
        ("0.0000015", None, None, 2),
        ("0.000001", "0.0000004", "0", 0),
    ],
)
def test_prices_are_for_a_thousand_tokens(
    settings: Any, both: str, prompt: str | None, completion: str | None, cost: int
) -> None:
    """1,000 of the prompt and 500 of the answer, in millionths of a dollar, half a millionth up; one price for both
    kinds unless one has its own."""
    settings.LLM_PRICE_PER_1000 = Decimal(both)
    settings.LLM_PRICE_PROMPT = None if prompt is None else Decimal(prompt)
    settings.LLM_PRICE_COMPLETION = None if completion is None else Decimal(completion)
    assert micro_usd(prompt_tokens=1000, completion_tokens=500) == cost
