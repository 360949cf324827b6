"""Extractions and what is made of them over REST."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from accounts.rest.schema import problems, single
from cache_platform.rest.foresight import Wanted
from cache_platform.rest.problems import problem
from cache_platform.rest.responses import answered
from cache_platform.rest.schema import HEADERS, cached_responses
from cache_platform.rest.views import PrivateCachedView
from connectors.extraction.jobs import NothingToExtract, NotWorking, read_job
from connectors.extraction.jobs import request as request_job
from connectors.policies import JOB, SIGNATURE
from connectors.rest.base import ConnectorView, may_change, owned
from connectors.schema import JobView, Signature
from connectors.signature import read_signature


class ExtractView(ConnectorView):
    """An extraction of what a platform has of a user."""

    @extend_schema(
        operation_id="connectors_extract",
        parameters=[OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[202])],
        request=None,
        responses={
            **single(202, {"job_id": {"type": "string", "format": "uuid"}}),
            **problems(401, 403, 404, 409, 503),
        },
    )
    def post(self, request: Request, provider: str, user_id: int) -> HttpResponse:
        """Begin an extraction, or go on with the one that is under way; Location says where to ask how far it is."""
        try:
            job = request_job(may_change(request, user_id), provider)
        except NotWorking:
            return problem(409, "It is not connected at present: connect it again.", kind="urn:problem:not-working")
        except NothingToExtract:
            return problem(409, "It has nothing to extract.", kind="urn:problem:nothing-to-extract")
        response = answered({"job_id": job.pk}, status=202)
        response["Location"] = reverse("extraction-job", args=[job.pk])
        return response


class ExtractionJobView(PrivateCachedView):
    """An extraction."""

    def reads_ahead(self, user_id: int) -> list[Wanted]:  # noqa: ARG002  # whose it is, its entry says
        """The extraction that the address names."""
        return [(JOB, {"job_id": self.kwargs["job_id"]})]

    @extend_schema(
        operation_id="extraction_job",
        parameters=HEADERS,
        responses=cached_responses(JobView, statuses=(401, 404, 503)),
    )
    def get(self, request: Request, job_id: UUID) -> HttpResponse:
        """How far an extraction is, through the cache: `progress` is 0 to 1."""
        found = read_job(job_id, caller=self.caller(request))
        if found.value is None:
            raise Http404
        owned(request, found.value.user_id)
        return self.respond(request, JOB, found)


class SignatureView(PrivateCachedView):
    """What a user's items say together."""

    reads = (SIGNATURE,)

    @extend_schema(
        operation_id="signature",
        parameters=HEADERS,
        responses=cached_responses(Signature, statuses=(401, 404, 503)),
    )
    def get(self, request: Request, user_id: int) -> HttpResponse:
        """Traits and areas of life computed from what was extracted, through the cache."""
        found = read_signature(owned(request, user_id), caller=self.caller(request))
        return self.respond(request, SIGNATURE, found)
