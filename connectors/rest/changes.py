"""Ending connections over REST."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.rest.schema import enveloped, problems
from cache_platform.rest.responses import answered
from cache_platform.rest.schema import inlined
from connectors.connections import Disconnected, Reset, disconnect, reset
from connectors.rest.base import ConnectorView, may_change


class ConnectionView(ConnectorView):
    """A user's connection with one platform."""

    @extend_schema(
        operation_id="connectors_disconnect",
        responses={**enveloped(200, inlined(Disconnected)), **problems(401, 403, 404, 503)},
    )
    def delete(self, request: Request, provider: str, user_id: int) -> HttpResponse:
        """Disconnect, at once. `revocation` says what the platform said: `revoked`, `pending` (it did not answer, and
        is asked again), `unsupported` (it cannot take tokens back), `failed` (it refuses, or they cannot be read) or
        `none` (there was nothing to take back)."""
        return answered(disconnect(may_change(request, user_id), provider))


class ResetView(ConnectorView):
    """All of a user's connections."""

    @extend_schema(
        operation_id="connectors_reset",
        request=None,
        responses={**enveloped(200, inlined(Reset)), **problems(401, 403, 404, 503)},
    )
    def post(self, request: Request, user_id: int) -> HttpResponse:
        """Disconnect all platforms, at once. It is no error when none is connected."""
        return answered(reset(may_change(request, user_id)))
