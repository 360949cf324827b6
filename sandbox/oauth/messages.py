# mypy: disallow-subclassing-any=False
# Authlib has no types.
"""Requests as Authlib reads them and answers as it writes them, on Django's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from django.http import HttpRequest, HttpResponse, QueryDict

PRINTABLE = frozenset(map(chr, {*range(0x20, 0x7F)} - {0x22, 0x5C}))
"""What error texts may hold (RFC 6749, 4.1.2.1)."""


class Payload(OAuth2Payload):
    """The parameters of one request: those of the query or those of the form, never both mixed."""

    def __init__(self, given: QueryDict, separator: str) -> None:
        self._data = {name: value for name, value in given.dict().items() if isinstance(value, str)}
        if "scope" in self._data:
            self._data["scope"] = self._data["scope"].replace(separator, " ")
        self._datalist = {name: given.getlist(name) for name in given}

    @property
    def data(self) -> dict[str, str]:
        """The parameters; of repeated ones the last."""
        return self._data

    @property
    def datalist(self) -> dict[str, list[str]]:
        """The parameters with all their values."""
        return self._datalist

    @property
    def response_type(self) -> str:
        """What is asked for. Authlib puts it into error texts, and raises if those have forbidden characters."""
        return "".join(char if char in PRINTABLE else "?" for char in self._data.get("response_type", ""))


class Request(OAuth2Request):
    """One request. At the authorize endpoint the parameters are those of the query, at the others of the body."""

    def __init__(self, request: HttpRequest, given: QueryDict, separator: str) -> None:
        super().__init__(request.method, request.build_absolute_uri(), headers=request.headers)
        self.payload = Payload(given, separator)

    @property
    def form(self) -> dict[str, str]:
        """The parameters."""
        data: dict[str, str] = self.payload.data
        return data


@dataclass(slots=True)
class Answer:
    """A status, headers, and parameters: what Authlib decided, before it takes the platform's form."""

    status: int
    payload: dict[str, object] = field(repr=False)
    headers: dict[str, str] = field(repr=False)

    @property
    def location(self) -> str:
        """Where it redirects to, or nothing."""
        return self.headers.get("Location", "")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["Location"] = value

    def as_response(self) -> HttpResponse:
        """Return it as JSON, or as a redirect."""
        body = "" if self.location else json.dumps(self.payload)
        return HttpResponse(body, status=self.status, headers=self.headers)
