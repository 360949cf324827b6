"""JSON answers as providers send them: UTF-8, compact, nothing added."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from django.http import HttpResponse, StreamingHttpResponse

JSON_TYPE = "application/json; charset=utf-8"
HUGE_BYTES = 50_000_000
CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Endless:
    """A body that goes on and on: `head`, then `item` again and again between commas, then `tail`."""

    head: str
    item: str
    tail: str


def json_reply(payload: object, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return `payload` as a JSON response."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(body, status=status, headers={"Content-Type": JSON_TYPE, **(headers or {})})


def html_reply() -> HttpResponse:
    """Return a page with status 200, as a proxy does that stands in front of what was asked."""
    return HttpResponse(
        "<!doctype html><title>We will be back soon</title><h1>We will be back soon</h1>",
        content_type="text/html; charset=utf-8",
    )


def huge_reply(endless: Endless) -> StreamingHttpResponse:
    """Return 50 MB of valid JSON, streamed without a Content-Length."""
    return StreamingHttpResponse(_pieces(endless), content_type=JSON_TYPE)


def malformed_reply(whole: HttpResponse) -> HttpResponse:
    """Return the first half of a good answer, with status 200."""
    return HttpResponse(whole.content[: len(whole.content) // 2], content_type=JSON_TYPE)


def cut_reply(whole: HttpResponse) -> HttpResponse:
    """Return the first half of an answer as if it were all, with its own status and type."""
    half = whole.content[: len(whole.content) // 2]
    return HttpResponse(half, status=whole.status_code, content_type=whole["Content-Type"])


async def _pieces(endless: Endless) -> AsyncIterator[bytes]:
    item = endless.item.encode()
    block = b",".join([item] * max(1, CHUNK_BYTES // len(item)))
    yield endless.head.encode()
    sent = 0
    while sent < HUGE_BYTES:
        yield block if sent == 0 else b"," + block
        sent += len(block)
    yield endless.tail.encode()
