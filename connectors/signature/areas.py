"""Which area of life an item belongs to. Pure functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connectors.signature.words import AREA_OF_KIND, AREA_OF_WORD, AREAS, OTHER

LABEL_WEIGHT = 3
"""A label is what the platform says of the item; a word of its title may be there by chance."""
TITLE_WEIGHT = 1

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Seen:
    """An item, as far as the signature looks at it."""

    platform: str
    kind: str
    title: str
    labels: tuple[str, ...]
    happened_at: datetime


def area_of(item: Seen) -> str:
    """The area whose words weigh most in the item; of equal ones the first in the table. Without any word it is that of
    its kind, else OTHER."""
    weights: Counter[str] = Counter()
    for texts, weight in ((item.labels, LABEL_WEIGHT), ((item.title,), TITLE_WEIGHT)):
        for word in _words(texts):
            if area := AREA_OF_WORD.get(word):
                weights[area] += weight
    if not weights:
        return AREA_OF_KIND.get(item.kind, OTHER)
    return max(AREAS, key=lambda area: weights[area])


def _words(texts: Iterable[str]) -> set[str]:
    """The words of texts, each once: whole ones with their hyphens, and the parts between those."""
    found = {word for text in texts for word in _WORD.findall(text.lower())}
    return found | {part for word in found for part in word.split("-")}
