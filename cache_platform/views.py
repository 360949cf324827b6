"""Health and statistics over HTTP."""

from __future__ import annotations

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.views import APIView

from cache_platform import health, inventory
from cache_platform.statistics import WINDOWS


def _is_staff(request: HttpRequest) -> bool:
    """Whether staff is asking; a database that is away must not turn the health page into an error."""
    try:
        user = getattr(request, "user", None)
        return bool(user and user.is_active and user.is_staff)
    except Error:
        return False


@never_cache
@require_safe
def health_view(request: HttpRequest) -> HttpResponse:
    """The whole report: 200 while the site serves (healthy or degraded), 503 when it is unhealthy."""
    state, body = health.report()
    if state == "unhealthy":  # who is asking cannot be known without the database
        return JsonResponse(health.without_details(body), status=503)
    return JsonResponse(body if _is_staff(request) else health.without_details(body))


@never_cache
@require_safe
def live_view(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """200 while the process answers at all."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def ready_view(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """200 when the site can serve: the database answers. Redis may be away."""
    ready = health.database_probe.ask().up
    return JsonResponse({"status": "ready" if ready else "not-ready"}, status=200 if ready else 503)


class StatsView(APIView):
    """Statistics of every policy, exact over all processes. For staff."""

    permission_classes = (IsAdminUser,)

    @extend_schema(
        operation_id="cache_stats",
        parameters=[OpenApiParameter("window", str, enum=list(WINDOWS), default="1h")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> HttpResponse:
        """Hits, misses and loads per policy over `window`."""
        window = request.query_params.get("window", "1h")
        response = JsonResponse(inventory.report(window, timestamp=timezone.now().isoformat()))
        response["Cache-Control"] = "no-store"
        return response


@extend_schema(exclude=True)
class AdminStatsView(StatsView):
    """The same under the address that existing dashboards know."""
