"""Redis globs, for a store that has no Redis to ask."""

from __future__ import annotations

import re

PART = re.compile(r"\\(?P<escaped>.)|\[(?P<negated>\^?)(?P<members>(?:\\.|[^\]\\])*)\]?|(?P<plain>.)", re.DOTALL)
MEMBER = re.compile(r"\\(?P<escaped>.)|(?P<first>.)-(?P<last>.)|(?P<plain>.)", re.DOTALL)


class Glob:
    """Matches whole keys as SCAN's MATCH does: `*`, `?`, `[a-c]`, `[^1]`, and what is behind a backslash literally.

    What stands between two stars has one length, and is looked for from the left, once: no glob takes longer than its
    length times the key's, which a regular expression with many `.*` does.
    """

    def __init__(self, glob: str) -> None:
        pieces: list[list[str]] = [[]]
        for found in PART.finditer(glob):
            if found["plain"] == "*":
                pieces.append([])
            else:
                pieces[-1].append(_letter(found))
        self._first, *middle = (re.compile("".join(piece), re.DOTALL) for piece in pieces)
        self._last = middle.pop() if middle else None
        self._middle = middle
        self._last_length = len(pieces[-1])

    def matches(self, key: str) -> bool:
        """Whether all of `key` is matched."""
        if self._last is None:
            return self._first.fullmatch(key) is not None
        found = self._first.match(key)
        for piece in self._middle:
            found = found and piece.search(key, found.end())
        end = len(key) - self._last_length
        return found is not None and found.end() <= end and self._last.fullmatch(key, end) is not None


def _letter(found: re.Match[str]) -> str:
    """What matches one letter of a key, as a regular expression."""
    if found["escaped"] is not None:
        return re.escape(found["escaped"])
    if found["plain"] is not None:
        return "." if found["plain"] == "?" else re.escape(found["plain"])
    if not found["members"]:
        return "." if found["negated"] else "(?!)"
    return f"[{found['negated']}{MEMBER.sub(_member, found['members'])}]"


def _member(found: re.Match[str]) -> str:
    if found["first"] is not None:
        return "-".join(map(re.escape, sorted((found["first"], found["last"]))))  # a range has no direction
    return re.escape(found["escaped"] or found["plain"])
