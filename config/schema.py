"""The OpenAPI document."""

from __future__ import annotations

import json
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.settings import spectacular_settings


@require_safe
def schema_view(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The document, made once per process: it depends on the code alone."""
    response = HttpResponse(_document(), content_type="application/vnd.oai.openapi+json")
    response["Cache-Control"] = "public, max-age=3600"
    return response


@cache
def _document() -> bytes:
    generator = spectacular_settings.DEFAULT_GENERATOR_CLASS()
    return json.dumps(generator.get_schema(request=None, public=True)).encode()
