"""What every provider's view goes through: count the call, take the time it takes, go wrong if told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from sandbox import delays
from sandbox.calls import Calls
from sandbox.faults import Fault, Faults, Service
from sandbox.replies import Endless, cut_reply, huge_reply, malformed_reply

LONGEST_SILENCE = 120.0
"""Seconds that mode `timeout` keeps a request open when its client never gives up."""

Ask = Callable[[], Coroutine[Any, Any, HttpResponse]]
Send = Callable[[HttpResponse, float], Coroutine[Any, Any, HttpResponseBase]]
View = Callable[..., Coroutine[Any, Any, HttpResponse]]
WrappedView = Callable[..., Coroutine[Any, Any, HttpResponseBase]]

calls = Calls()
faults = Faults()


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider's way of failing: its service, its error bodies, and a body too large to read."""

    service: Service
    broken: Callable[[], HttpResponse]
    rate_limited: Callable[[], HttpResponse]
    huge: Endless
    malformed: Callable[[], HttpResponse] | None = None
    """What it sends instead of an answer that parses; None: half of a good one."""
    send: Send | None = None
    """How it sends an answer, so many seconds late; None: at once, after those seconds."""


def provided_by(
    provider: Provider, *, counted: bool = True, pace: float = 1.0, methods: Sequence[str] = ("GET",)
) -> Callable[[View], WrappedView]:
    """Make an async view a provider's: calls, delays and faults apply to it.

    `counted` says whether its requests count as calls, `pace` the share of the service's delay that it takes.
    """

    def decorate(view: View) -> WrappedView:
        @wraps(view)
        async def answer(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            if counted:
                calls.add(provider.service)
            fault = faults.draw(provider.service)
            await asyncio.sleep(delays.seconds_for(provider.service) * pace)
            return await _answer(provider, fault, lambda: view(request, **kwargs))

        return answer

    return decorate


async def _answer(
    provider: Provider, fault: Fault, ask: Callable[[], Coroutine[Any, Any, HttpResponse]]
) -> HttpResponseBase:
    """Return the view's answer, or what the fault makes of it."""
    match fault.mode:
        case "error":
            return provider.broken()
        case "rate_limited":
            return provider.rate_limited()
        case "huge":
            return huge_reply(provider.huge)
        case "malformed":
            return malformed_reply(await ask()) if provider.malformed is None else provider.malformed()
        case "timeout":
            await asyncio.sleep(LONGEST_SILENCE)  # cancelled by Django when the client goes away
            return HttpResponse(status=504)
    return await _sent(provider, fault, ask)


async def _sent(provider: Provider, fault: Fault, ask: Ask) -> HttpResponseBase:
    """Send the view's answer, late or cut if the fault says so."""
    late = fault.delay_ms / 1000 if fault.mode == "slow" else 0.0
    if provider.send is None:
        await asyncio.sleep(late)
    answer = await ask()
    if fault.mode == "cut":
        answer = cut_reply(answer)
    return answer if provider.send is None else await provider.send(answer, late)
