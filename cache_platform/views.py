"""Health, statistics, metrics and flushing over HTTP."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission, IsAdminUser
from rest_framework.request import Request
from rest_framework.views import APIView

from cache_platform import flushing, health, inventory, metrics
from cache_platform.exceptions import InvalidQuery, StoreUnavailable
from cache_platform.rest.authentication import SCRAPER, MetricsTokenAuthentication
from cache_platform.rest.problems import RETRY_AFTER, exception_handler, problem
from cache_platform.rest.schema import FLUSH_BODY, FLUSHED, PROBLEM
from cache_platform.rest.stats_schema import STATS
from cache_platform.rest.views import ExceptionHandler
from cache_platform.statistics import WINDOWS


def _is_staff(request: HttpRequest) -> bool:
    """Whether staff is asking; a database that is away must not turn the health page into an error."""
    try:
        user = getattr(request, "user", None)
        return bool(user and user.is_active and user.is_staff)
    except Error:
        return False


@csrf_exempt  # 405 for other methods, which the check for forms would make a 403
@never_cache
@require_safe
def health_view(request: HttpRequest) -> HttpResponse:
    """The whole report: 200 while the site serves (healthy or degraded), 503 when it is unhealthy."""
    state, body = health.report()
    if state == "unhealthy":  # who is asking cannot be known without the database
        return JsonResponse(health.without_details(body), status=503)
    return JsonResponse(body if _is_staff(request) else health.without_details(body))


@csrf_exempt
@never_cache
@require_safe
def live_view(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """200 while the process answers at all."""
    return JsonResponse({"status": "alive"})


@csrf_exempt
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
        responses={(200, "application/json"): STATS},
    )
    def get(self, request: Request) -> HttpResponse:
        """Hits, misses and loads per policy over `window`."""
        window = request.query_params.get("window") or "1h"
        response = JsonResponse(inventory.report(window, timestamp=timezone.now().isoformat()))
        response["Cache-Control"] = "no-store"
        return response


@extend_schema_view(get=extend_schema(operation_id="cache_stats_admin"))
class AdminStatsView(StatsView):
    """The same under the address that existing dashboards know."""


class MayScrape(IsAdminUser):
    """Staff, and whoever has the token for metrics."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """False for everybody else."""
        return request.auth == SCRAPER or super().has_permission(request, view)


class MetricsView(APIView):
    """Metrics for Prometheus, exact over all processes. For METRICS_TOKEN, as a bearer token, and staff."""

    permission_classes = (MayScrape,)

    def get_authenticators(self) -> list[BaseAuthentication]:
        """The token for metrics, then what the project has."""
        return [MetricsTokenAuthentication(), *super().get_authenticators()]

    def get_exception_handler(self) -> ExceptionHandler:
        """See FlushView."""
        return exception_handler

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: ARG002  # DRF's signature
    ) -> tuple[Any, str]:
        """Whatever is accepted: there is one form, which Prometheus knows by its Content-Type."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="metrics",
        responses={
            (200, "text/plain"): OpenApiTypes.STR,
            **{(status, "application/problem+json"): PROBLEM for status in (401, 403)},
        },
    )
    def get(self, request: Request) -> HttpResponse:  # noqa: ARG002  # DRF's signature
        """The exposition format 0.0.4. Without Redis: that it is away, and what is known without it."""
        response = HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)
        response["Cache-Control"] = "no-store"
        return response


class MayFlush(BasePermission):
    """Staff with the permission `cache_platform.flush_cache`."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002  # DRF's signature
        """False for everybody else; DRF makes a 401 of it for strangers."""
        user = request.user
        return bool(user and user.is_active and user.is_staff and user.has_perm("cache_platform.flush_cache"))


class FlushView(APIView):
    """Flushing by hand. For staff with the permission to."""

    permission_classes = (MayFlush,)

    def get_exception_handler(self) -> ExceptionHandler:
        """Problem responses, whatever the project's own EXCEPTION_HANDLER does."""
        return exception_handler

    @extend_schema(
        operation_id="cache_flush",
        request={"application/json": FLUSH_BODY},
        responses={
            (200, "application/json"): FLUSHED,
            (202, "application/json"): FLUSHED,
            **{(status, "application/problem+json"): PROBLEM for status in (400, 401, 403, 415, 503)},
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Flush a policy, a tag, a user, what a pattern matches, one entry, or everything: exactly one of them.

        202 says that the store is away, and that the flush is made before anybody reads from it again; 503 that
        nothing took it, or that entries could not be deleted.
        """
        if not isinstance(request.data, dict):
            raise InvalidQuery("target", f"give an object with exactly one of {', '.join(flushing.KINDS)}")
        if isinstance(request.data.get("user"), str):  # as forms send it
            raise InvalidQuery("user", "must be a number, a user's id")
        target = flushing.target_of(request.data)
        assert isinstance(request.user, AbstractBaseUser)  # MayFlush let nobody else in
        try:
            done = flushing.flush(target, by=request.user, where="api")
        except StoreUnavailable as error:
            return problem(503, str(error), kind="urn:problem:store", retry_after=RETRY_AFTER)
        if done.not_taken:
            return problem(503, flushing.NOT_TAKEN, kind="urn:problem:store", retry_after=RETRY_AFTER)
        data = {
            "target": dict(request.data),
            "entries": done.entries,
            "generations": done.generations,
            "waiting": done.waiting,
            "milliseconds": done.milliseconds,
        }
        response = JsonResponse({"success": True, "data": data}, status=202 if done.waiting else 200)
        response["Cache-Control"] = "no-store"
        return response
