"""Connections and their state over REST."""

from __future__ import annotations

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.rest.base import user_in
from cache_platform.rest.schema import HEADERS, cached_responses
from cache_platform.rest.views import PrivateCachedView
from connectors.policies import CONNECTIONS, STATUS
from connectors.rest.base import owned
from connectors.schema import ConnectionsEntry, PlatformState, UserStatus
from connectors.states import read_connections, read_status


class ConnectionList(msgspec.Struct, frozen=True, kw_only=True):
    """A user's connections, in the order of their platforms' names."""

    items: tuple[PlatformState, ...]
    total: int
    page: int


class ConnectionsView(PrivateCachedView):
    """One's own connections. Whose they are comes from the credentials."""

    reads = (CONNECTIONS,)

    @extend_schema(
        operation_id="oauth_connections",
        parameters=HEADERS,
        responses=cached_responses(ConnectionList, statuses=(401, 503)),
    )
    def get(self, request: Request) -> HttpResponse:
        """Your connections, those that were ended among them, through the cache and without anything secret."""
        found = read_connections(user_in(request).pk, caller=self.caller(request))
        return self.respond(request, CONNECTIONS, found, _listed)


class StatusView(PrivateCachedView):
    """The state of each platform of a user."""

    reads = (STATUS,)

    @extend_schema(
        operation_id="connectors_status",
        parameters=HEADERS,
        responses=cached_responses(UserStatus, statuses=(401, 404, 503)),
    )
    def get(self, request: Request, user_id: int) -> HttpResponse:
        """Your platforms and how each is connected, through the cache; staff see everybody's."""
        found = read_status(owned(request, user_id), caller=self.caller(request))
        return self.respond(request, STATUS, found, lambda entry: entry.status)


def _listed(entry: ConnectionsEntry) -> ConnectionList:
    return ConnectionList(items=entry.connections, total=len(entry.connections), page=1)
