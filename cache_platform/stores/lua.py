"""The scripts of this package, as they are sent to Redis."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path


@cache
def script(name: str) -> tuple[str, str]:
    """A script's SHA-1 and text: a line with its flags, what all share, its body."""
    folder = Path(__file__).parent / "scripts"
    flags = "" if name == "fill" else " flags=allow-oom"
    text = "\n".join(
        [f"#!lua{flags}", (folder / "common.lua").read_text("utf-8"), (folder / f"{name}.lua").read_text("utf-8")]
    )
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), text
