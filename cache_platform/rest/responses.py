"""The response of a cached read: body, Cache-Status (RFC 9211), Age and ETag (RFC 9110, 9111)."""

from __future__ import annotations

import hashlib
import math
from typing import Any, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from cache_platform.policies import CachePolicy
from cache_platform.reads import Read

R = TypeVar("R", bound=HttpResponseBase)
IDENTITY_HEADERS = ("Authorization", "Cookie", "X-API-Key")


def cached_response(request: HttpRequest, policy: CachePolicy[Any], read: Read[Any], data: object) -> HttpResponse:
    """`{"success": true, "data": …, "cached": …}` for what `read` gave; 304 when the client has that data.

    The ETag is weak and covers `data` alone: `cached` changes from one answer to the next, the data does not.
    """
    response = _tagged(request, data, b',"cached":true' if read.cached else b',"cached":false')
    response["Cache-Status"] = read.cache_status
    response["Age"] = str(math.floor(read.age))
    if policy.audience == "public":
        response["Cache-Control"] = f"public, max-age={max(0, math.floor(read.ttl))}"
        return response
    return private(response)


def private(response: R) -> R:
    """`response`, for the one who asked alone: kept by no shared cache, and asked for anew each time."""
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, IDENTITY_HEADERS)
    return response


def no_store(response: R) -> R:
    """`response`, to be kept nowhere (RFC 9111 section 5.2.2.5) and without an ETag: for tokens and keys."""
    response["Cache-Control"] = "no-store"
    del response["ETag"]
    return response


def answered(data: object, *, status: int = 200, location: str | None = None) -> HttpResponse:
    """`{"success": true, "data": …}` for what is no cached read, as a write; to be stored nowhere."""
    body = b'{"success":true,"data":' + msgspec.json.encode(data) + b"}"
    response = no_store(HttpResponse(body, content_type="application/json", status=status))
    if location is not None:
        response["Location"] = location
    return response


def public_response(request: HttpRequest, data: object, *, max_age: int) -> HttpResponse:
    """`{"success": true, "data": …}` for public data that needs no cache; 304 when the client has it."""
    response = _tagged(request, data, b"")
    response["Cache-Control"] = f"public, max-age={max_age}"
    return response


def _tagged(request: HttpRequest, data: object, rest: bytes) -> HttpResponse:
    encoded = msgspec.json.encode(data)
    etag = f'W/"{hashlib.blake2b(encoded, digest_size=12).hexdigest()}"'
    response: HttpResponse
    if _matches(request.headers.get("If-None-Match", ""), etag):
        response = HttpResponseNotModified()
    else:
        body = b'{"success":true,"data":' + encoded + rest + b"}"
        response = HttpResponse(body, content_type="application/json")
    response["ETag"] = etag
    return response


def _matches(header: str, etag: str) -> bool:
    """Whether If-None-Match names `etag`, by weak comparison (RFC 9110 section 13.1.2)."""
    wanted = parse_etags(header) if header else []
    return "*" in wanted or etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in wanted}
