"""A language model that tests control, and people at the chat page without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from tests.integration.accounts.browser import Browser
from tests.integration.dashboard.markup import Element

CHAT = "/assistant/"


class Model:
    """It answers with a number, or as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.finish_reason = "stop"
        self.answer: str | None = ""
        """What it says, where not a number; None: nothing, as to a question that a filter stops."""
        self.is_broken = False
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        self.meanwhile()
        if self.is_broken:
            return httpx.Response(500)
        message = {"role": "assistant", "content": self.answer if self.answer != "" else f"answer {len(self.asked)}"}
        choice = {"message": message, "finish_reason": self.finish_reason}
        return httpx.Response(200, json={"choices": [choice], "usage": {"prompt_tokens": 90, "completion_tokens": 20}})

    def transport(self) -> httpx.BaseTransport:
        """For `source.through`."""
        return httpx.MockTransport(self)

    @property
    def answered(self) -> str:
        """Its last answer."""
        return f"answer {len(self.asked)}"

    @property
    def said(self) -> list[tuple[str, str]]:
        """The messages of the last prompt."""
        return [(message["role"], message["content"]) for message in self.asked[-1]["messages"]]


def messages(browser: Browser) -> list[tuple[str, str]]:
    """Who said what, as the page shows it."""
    return [
        (who.text.removesuffix(" just now"), text.text)
        for who, text in zip(_all(browser, "message-who"), _all(browser, "message-text"), strict=True)
    ]


def marks(browser: Browser) -> list[str]:
    """What the page says of the answers besides."""
    return [
        badge.text
        for place in _all(browser, "message-marks")
        for badge in place.walk()
        if badge.name == "span" and "data-mark" in badge.attributes and "hidden" not in badge.attributes
    ]


def talks(browser: Browser) -> list[tuple[str, str]]:
    """Titles and addresses in the list of conversations."""
    links = [element for element in browser.page.only(id="talks").walk() if element.name == "a"]
    shown = [(link, [each for each in link.walk() if each.attributes.get("class") == "talk-title"]) for link in links]
    return [(titles[0].text, link.attributes["href"] or "") for link, titles in shown if titles]


def _all(browser: Browser, name: str) -> list[Element]:
    """The elements of that class in the messages that are shown, and not in the patterns for new ones."""
    shown = browser.page.only(id="messages")
    return [element for element in shown.walk() if element.attributes.get("class") == name]
