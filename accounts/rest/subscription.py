"""The signed-in user's subscription."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.policies import SUBSCRIPTION
from accounts.rest.base import user_in
from accounts.rest.changes import SubscriptionChange, changed, changed_responses
from accounts.rest.parsers import JsonParser
from accounts.schema import SubscriptionState
from accounts.subscriptions import change_subscription, read_subscription
from cache_platform.rest.schema import HEADERS, cached_responses
from cache_platform.rest.views import PrivateCachedView


class SubscriptionView(PrivateCachedView):
    """One's own subscription. Whose it is comes from the credentials, never from the address or the body."""

    parser_classes = [JsonParser]
    reads = (SUBSCRIPTION,)

    @extend_schema(
        operation_id="subscription_read",
        parameters=HEADERS,
        responses=cached_responses(SubscriptionState, statuses=(401, 503)),
    )
    def get(self, request: Request) -> HttpResponse:
        """Your subscription, through the cache."""
        found = read_subscription(user_id=user_in(request).pk)
        return self.respond(request, SUBSCRIPTION, found)

    @extend_schema(
        operation_id="subscription_change",
        request=SubscriptionChange,
        responses=changed_responses(SubscriptionState),
    )
    def patch(self, request: Request) -> HttpResponse:
        """Choose a plan, cancel or resume it: with the status `cancelled` or `active`."""
        return changed(request, SubscriptionChange, change_subscription)
