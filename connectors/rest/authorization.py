"""Sending people to a platform over REST."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.rest.base import user_in
from accounts.rest.changes import ChangeSerializer
from accounts.rest.schema import problems, single
from cache_platform.rest.responses import answered
from connectors.authorizations import begin
from connectors.providers import get_provider
from connectors.rest.base import ConnectorView, binding


class NoFields(ChangeSerializer):
    """A body that says nothing: where people are sent back to is not theirs to say."""


class AuthorizeView(ConnectorView):
    """The beginning of a connection."""

    @extend_schema(
        operation_id="connectors_authorize",
        request=None,
        responses={
            **single(200, {"authorization_url": {"type": "string", "format": "uri"}}),
            **problems(400, 401, 403, 404, 503),
        },
    )
    def post(self, request: Request, provider: str) -> HttpResponse:
        """Where to send the user's browser to: the platform's consent page. What it answers has to come back within
        10 minutes, once, by the session, sign-in or key that asked here."""
        platform = get_provider(provider)
        NoFields(data=request.data).is_valid(raise_exception=True)
        url = begin(user_id=user_in(request).pk, provider=platform, binding=binding(request))
        return answered({"authorization_url": url})
