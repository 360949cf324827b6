"""`GET` and `POST /_control/oauth`: how long tokens live, whether refreshing works, the quota, and what is live."""

from __future__ import annotations

import json
import time

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from sandbox.oauth import state
from sandbox.oauth.switches import SwitchError, parse_order
from sandbox.platforms.quotas import quotas
from sandbox.replies import json_reply


async def show_or_set(request: HttpRequest) -> HttpResponse:
    """Return the settings and how many codes and tokens are live; a POST changes them first. 400 names the wrong
    field."""
    if request.method == "POST":
        return _set(request.body)
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET", "POST"])
    return json_reply(_shown())


def clear() -> None:
    """Take the settings and the counted calls away; what was issued stays."""
    state.switches.clear()
    quotas.clear()


def _set(body: bytes) -> HttpResponse:
    try:
        given = json.loads(body)
        order = parse_order(given, state.switches.now)
    except SwitchError as error:
        return json_reply({"error": str(error), "field": error.field}, status=400)
    except ValueError as error:
        return json_reply({"error": f"body: must be JSON: {error}", "field": "body"}, status=400)
    if "quota" in given:
        quotas.clear()
    state.switches.now = order.settings
    if order.expire_all:
        state.store().expire_all(time.time())
    if order.revoke_all:
        state.store().revoke_all()
    return json_reply(_shown())


def _shown() -> dict[str, int | bool | None]:
    return {**state.switches.now.as_dict(), **state.store().counts(time.time())}
