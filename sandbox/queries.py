"""Search expressions as NewsAPI and GNews read them: words, "phrases", -words, AND, OR, NOT."""

from __future__ import annotations

import re
from collections.abc import Callable

TERM = re.compile(r'([+-]?)(?:"([^"]*)"|([^\s"()]+))')

Matcher = Callable[[str], bool]


def matcher(query: str) -> Matcher:
    """Return a test of a text: whether one of the parts between ORs has all its words, and no excluded one.

    A word matches where a word of the text begins with it, in any case.
    """
    alternatives = [_all_of(part) for part in re.split(r"\s+OR\s+", query.strip())]
    return lambda text: any(accepts(text) for accepts in alternatives)


def _all_of(part: str) -> Matcher:
    wanted: list[re.Pattern[str]] = []
    unwanted: list[re.Pattern[str]] = []
    negated = False
    for sign, phrase, word in TERM.findall(part):
        term = phrase or word
        if term in {"AND", "NOT"} and not phrase:
            negated = term == "NOT"
            continue
        into = unwanted if sign == "-" or negated else wanted
        into.append(re.compile(rf"(?<!\w){re.escape(term)}", re.IGNORECASE))
        negated = False
    return lambda text: all(w.search(text) for w in wanted) and not any(u.search(text) for u in unwanted)
