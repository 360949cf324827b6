"""Who may ask: programs of this machine. Web pages in its browsers may not, whatever name they reach it by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import async_only_middleware

from sandbox.replies import json_reply

CONTROL = "/_control/"

Answer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@async_only_middleware
def guarded(answer: Answer) -> Answer:
    """Refuse what a foreign page could send: other hosts with 400, to the control panel also other origins with 403
    and bodies that are not JSON with 415.
    """

    async def checked(request: HttpRequest) -> HttpResponseBase:
        try:
            own = f"{request.scheme}://{request.get_host()}"
        except DisallowedHost:  # a name that a foreign page made lead here
            return json_reply({"error": "host: must be 127.0.0.1, localhost or [::1]"}, status=400)
        if request.path.startswith(CONTROL):
            if request.headers.get("Origin", own) != own:
                return json_reply({"error": "origin: must be the sandbox itself"}, status=403)
            # Browsers send JSON to a foreign origin only after asking it, and the sandbox does not agree.
            if request.body and request.content_type != "application/json":
                return json_reply({"error": "content-type: must be application/json"}, status=415)
        return await answer(request)

    return checked
