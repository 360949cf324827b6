"""One's numbers over REST."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.rest.base import user_in
from assistant.policies import STATS
from assistant.rest.base import AssistantView
from assistant.schema import Stats
from assistant.stats import read_stats
from cache_platform.rest.schema import HEADERS, cached_responses


class StatsView(AssistantView):
    """How much one has of everything."""

    reads = (STATS,)

    @extend_schema(
        operation_id="assistant_stats", parameters=HEADERS, responses=cached_responses(Stats, statuses=(401, 503))
    )
    def get(self, request: Request) -> HttpResponse:
        """How many conversations, messages and documents you have, and the tokens used and saved; through the cache."""
        found = read_stats(user_in(request).pk, caller=self.caller(request))
        return self.respond(request, STATS, found)
