"""Redis globs, for a store that has no Redis to ask."""

from __future__ import annotations

import re

PART = re.compile(r"\\(?P<escaped>.)|\[(?P<negated>\^?)(?P<members>(?:\\.|[^\]\\])*)\]?|(?P<plain>.)", re.DOTALL)
MEMBER = re.compile(r"\\(?P<escaped>.)|(?P<first>.)-(?P<last>.)|(?P<plain>.)", re.DOTALL)
WILD = {"*": ".*", "?": "."}


def compiled(glob: str) -> re.Pattern[str]:
    """What matches whole keys as SCAN's MATCH does: `*`, `?`, `[a-c]`, `[^1]`, and what is behind a backslash
    literally."""
    return re.compile(PART.sub(_part, glob), re.DOTALL)


def _part(found: re.Match[str]) -> str:
    if found["escaped"] is not None:
        return re.escape(found["escaped"])
    if found["plain"] is not None:
        return WILD.get(found["plain"], re.escape(found["plain"]))
    if not found["members"]:
        return "." if found["negated"] else "(?!)"
    return f"[{found['negated']}{MEMBER.sub(_member, found['members'])}]"


def _member(found: re.Match[str]) -> str:
    if found["first"] is not None:
        return "-".join(map(re.escape, sorted((found["first"], found["last"]))))  # a range has no direction
    return re.escape(found["escaped"] or found["plain"])
