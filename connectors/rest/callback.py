"""Coming back from a platform: in the browser, or by a program that was given the code."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.grants import KeyGrant
from accounts.rest.base import http_request, user_in
from accounts.rest.schema import enveloped, problems
from cache_platform.rest.responses import answered
from cache_platform.rest.schema import inlined
from connectors.authorizations import complete, decline
from connectors.models import PlatformConnection
from connectors.providers import name_of
from connectors.rest.base import ConnectorView, binding
from connectors.rest.callback_fields import (
    LONGEST_CODE,
    LONGEST_ERROR,
    LONGEST_ISS,
    LONGEST_STATE,
    UNKNOWN,
    CallbackFields,
    in_query,
)
from connectors.rest.callback_page import callback_page
from connectors.rest.problems import Declined
from connectors.schema import PlatformState
from connectors.states import load_connections

STATUSES = {"server_error": 502, "temporarily_unavailable": 503}
"""Of the errors that a platform cannot say by an HTTP status, since it has to redirect (RFC 6749, 4.1.2.1)."""


def _text(longest: int) -> dict[str, Any]:
    return {"type": "string", "pattern": "^[\\x20-\\x7e]+$", "maxLength": longest}


QUERY = [
    OpenApiParameter("state", _text(LONGEST_STATE), required=True),
    OpenApiParameter("code", _text(LONGEST_CODE), description="This or `error`"),
    OpenApiParameter("iss", _text(LONGEST_ISS), description="RFC 9207"),
    OpenApiParameter("error", _text(LONGEST_ERROR), description="RFC 6749, 4.1.2.1"),
]
RESPONSES = {**enveloped(200, inlined(PlatformState)), **problems(400, 401, 403, 502, 503)}


class JsonWhateverIsAccepted(DefaultContentNegotiation):
    """Browsers that accept HTML alone are no error here: they get a page."""

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002  # DRF's signature
        renderers: Any,  # noqa: ANN401  # as DRF has it
        format_suffix: str | None = None,  # noqa: ARG002  # DRF's signature
    ) -> tuple[BaseRenderer, str]:
        """The first renderer."""
        return renderers[0], renderers[0].media_type


class KeyMayWrite(BasePermission):
    """Refuses keys that may only read: this GET connects a platform."""

    message = "The key's scopes do not allow this."

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002  # DRF's signature
        """False for a key without the scope `write`."""
        return not isinstance(request.auth, KeyGrant) or "write" in request.auth.scopes


class CallbackView(ConnectorView):
    """Where platforms send people back to. A GET that changes something: a stranger's page cannot make a browser do
    that, because the state is good once and only in the browser that began. HEAD is not answered, so that nothing that
    looks at links ahead spends a state.
    """

    http_method_names = ["get", "post", "options"]
    content_negotiation_class = JsonWhateverIsAccepted
    permission_classes = (IsAuthenticated, KeyMayWrite)

    @extend_schema(
        operation_id="connectors_callback_get",
        parameters=QUERY,
        responses={**RESPONSES, 303: None},
    )
    def get(self, request: Request) -> HttpResponse:
        """Connect, with what the platform added to the address. Browsers are sent on to the connectors' page."""
        connection = _connected(request, in_query(request.query_params))
        if not is_browser(http_request(request)):
            return _shown(connection)
        messages.success(http_request(request), _told(connection))
        return HttpResponseRedirect(reverse("connectors:page"), status=303)

    @extend_schema(operation_id="connectors_callback", request=CallbackFields, responses=RESPONSES)
    def post(self, request: Request) -> HttpResponse:
        """Connect, with the code and the state that the platform gave."""
        return _shown(_connected(request, request.data))

    def handle_exception(self, exc: Exception) -> Response:
        """A problem response; for a person in a browser, the same as a page."""
        response = super().handle_exception(exc)
        request = http_request(self.request)
        if request.method != "GET" or not is_browser(request):
            return response
        return callback_page(request, response)  # type: ignore[return-value]  # the stubs are narrower than DRF


def is_browser(request: HttpRequest) -> bool:
    """Whether a person looks at the answer: HTML is asked for by name, and no program's credential is there."""
    if "HTTP_AUTHORIZATION" in request.META or "HTTP_X_API_KEY" in request.META:
        return False
    return "text/html" in request.headers.get("Accept", "").lower()


@sensitive_variables()
def _connected(request: Request, data: Any) -> PlatformConnection:  # noqa: ANN401  # any JSON
    """Raises ValidationError, CallbackRefused, Declined and SourceError."""
    fields = CallbackFields(data=data)
    fields.is_valid(raise_exception=True)
    given = fields.validated_data
    whose = {"user_id": user_in(request).pk, "binding": binding(request), "state": given["state"]}
    if "error" in given:
        provider = decline(**whose, error=given["error"])
        raise Declined(_words(provider.name, given["error"]), status=STATUSES.get(given["error"], 400))
    return complete(**whose, code=given["code"], iss=given.get("iss"))


def _words(platform: str, error: str) -> str:
    if error == "access_denied":
        return f"You did not allow it at {platform}, so nothing was connected."
    said = "" if error == UNKNOWN else f" ({error})"
    return f"{platform} refused the connection{said}, so nothing was connected. Begin anew."


def _told(connection: PlatformConnection) -> str:
    name = name_of(connection.provider)
    if connection.replaced_account:
        gone = f"What was extracted from {connection.replaced_account} is deleted."
        return f"{name} is connected with another account. {gone}"
    return f"{name} is connected."


def _shown(connection: PlatformConnection) -> HttpResponse:
    """From the database: the next read through the cache is the first one after the change."""
    entry = load_connections(connection.user_id)
    return answered(next(each for each in entry.connections if each.provider == connection.provider))
