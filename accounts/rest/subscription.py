"""The signed-in user's subscription."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.policies import SUBSCRIPTION
from accounts.rest.base import user_in
from accounts.rest.changes import SubscriptionChange, changed, changed_responses
from accounts.rest.parsers import JsonParser
from accounts.schema import SubscriptionState
from accounts.subscriptions import change_subscription, read_subscription
from cache_platform.rest.responses import cached_response
from cache_platform.rest.schema import HEADERS, cached_responses


class SubscriptionView(APIView):
    """One's own subscription. Whose it is comes from the credentials, never from the address or the body."""

    parser_classes = [JsonParser]

    @extend_schema(
        operation_id="subscription_read",
        parameters=HEADERS,
        responses=cached_responses(SubscriptionState, statuses=(401, 503)),
    )
    def get(self, request: Request) -> HttpResponse:
        """Your subscription, through the cache."""
        found = read_subscription(user_id=user_in(request).pk)
        if found.value is None:
            raise Http404
        return cached_response(request._request, SUBSCRIPTION, found, found.value)

    @extend_schema(
        operation_id="subscription_change",
        request=SubscriptionChange,
        responses=changed_responses(SubscriptionState),
    )
    def patch(self, request: Request) -> HttpResponse:
        """Choose a plan, cancel (`"status": "cancelled"`) or resume (`"active"`)."""
        return changed(request, SubscriptionChange, change_subscription)
