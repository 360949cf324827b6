"""What the connectors' routes share: whose they are, and answers that nobody may store."""

from __future__ import annotations

from django.http import Http404
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request

from accounts.models import User
from accounts.rest.base import CredentialsView, http_request, user_in
from cache_platform.rest.views import ExceptionHandler
from connectors.bindings import binding_of
from connectors.rest.problems import exception_handler

LARGEST_ID = 2**63 - 1
"""Of a BigAutoField; a database refuses larger numbers rather than not finding them."""


class ConnectorView(CredentialsView):
    """For a user who is signed in; its answers are kept nowhere."""

    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)

    def get_exception_handler(self) -> ExceptionHandler:
        """Problem responses, for what goes wrong at a platform too."""
        return exception_handler


def owned(request: Request, user_id: int) -> int:
    """`user_id`, when it is one's own or one is staff. Raises Http404, as for a user who is not there, for another's:
    nobody can find out by it which numbers are taken."""
    user = user_in(request)
    if user.pk != user_id and not (user.is_staff and user_id <= LARGEST_ID):
        raise Http404
    return user_id


def may_change(request: Request, user_id: int) -> int:
    """As `owned`, for what changes something. Another's is changed only by staff who were given the permission
    `connectors.change_platformconnection`, as superusers are: looking at all is not a right to delete. Raises
    PermissionDenied for other staff, and Http404 when there is no such user."""
    user = user_in(request)
    if owned(request, user_id) == user.pk:
        return user_id
    if not user.has_perm("connectors.change_platformconnection"):
        raise PermissionDenied
    if not User.objects.filter(pk=user_id).exists():
        raise Http404
    return user_id


def binding(request: Request) -> str:
    """What a walk to a platform is bound to. Raises NotAuthenticated where there is nothing that it could be."""
    found = binding_of(http_request(request), request.auth)
    if found is None:
        raise NotAuthenticated
    return found
