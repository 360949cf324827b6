"""Browsers in words, from what they send as User-Agent (RFC 9110, section 10.1.5)."""

from __future__ import annotations

from dataclasses import dataclass

# The first that occurs counts: most browsers also name those that they want to be taken for.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "A Python program"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
HANDHELD = frozenset({"iPhone", "iPad", "Android"})


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser's name, as in `Firefox on Linux`, and whether it runs on something held in the hand."""

    name: str
    handheld: bool


def browser_of(user_agent: str) -> Browser:
    """The browser that sent `user_agent`; what it says is its own claim, good for recognising it and nothing else."""
    name = _first(BROWSERS, user_agent) or "Unknown browser"
    system = _first(SYSTEMS, user_agent)
    return Browser(f"{name} on {system}" if system else name, handheld=system in HANDHELD)


def _first(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for mark, name in names if mark in text), "")
