"""Which keys of a server belong to one Django cache."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

GLOB = re.compile(r"([*?\[\]\\])")
KEY, VERSION = "\0k", "\0v"


@dataclass(frozen=True)
class Sweep:
    """All full keys that match the glob `pattern` and, where given, the expression `only`."""

    pattern: str
    only: re.Pattern[str] | None = None


def glob_escape(text: str) -> str:
    """`text` as a glob pattern that matches nothing but itself (the syntax of Redis's SCAN)."""
    return GLOB.sub(r"\\\1", text)


def keys_of_cache(key_func: Callable[..., str], *, prefix: str, version: object, taken: str) -> Sweep:
    """All keys that `key_func` makes with `prefix`, of every version that is a number and of `version`.

    `prefix` and `prefix:more` do not touch each other. Raises ImproperlyConfigured when keys do not begin with
    something that holds the prefix, or begin like the keys of somebody else, which begin with `taken`.
    """
    shape = key_func(KEY, prefix, VERSION)
    head = shape.partition("\0")[0]
    if prefix not in head or KEY not in shape:
        raise ImproperlyConfigured("CACHES: KEY_FUNCTION must put KEY_PREFIX in front of version and key")
    if head.startswith(taken) or taken.startswith(head):
        raise ImproperlyConfigured(f"CACHES: KEY_PREFIX {prefix!r} would mix its keys with those under {taken!r}")
    versions = rf"(?:-?[0-9]+|{re.escape(str(version))})"
    only = re.escape(shape).replace(KEY, "(?s:.*)").replace(VERSION, versions)
    return Sweep(glob_escape(shape).replace(KEY, "*").replace(VERSION, "*"), re.compile(only))
