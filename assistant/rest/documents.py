"""Documents over REST."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as TextRefused
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.rest.base import user_in
from accounts.rest.changes import ChangeSerializer, given_in
from accounts.rest.parsers import JsonParser
from accounts.rest.schema import EMPTY, enveloped, problems
from assistant.documents import LARGEST_DOCUMENT, add_document, delete_document, read_documents
from assistant.filters import DocumentFilter
from assistant.lists import ListQuery
from assistant.models.document import LONGEST_DOCUMENT_NAME
from assistant.policies import DOCUMENTS
from assistant.rest.base import PAGE, SINCE, WORDS, AssistantView, ListView, ordering
from assistant.rest.parsers import Upload, UploadParser
from assistant.schema import DocumentPage, DocumentState
from assistant.uploads import checked_name, checked_text
from cache_platform.rest.foresight import Wanted
from cache_platform.rest.responses import answered
from cache_platform.rest.schema import HEADERS, cached_responses, inlined
from cache_platform.rest.throttles import RateLimitThrottle

NAME = r"^ *[\p{L}\p{N}][\p{L}\p{N} _-]*\.(txt|md) *$"
"""Names of which no reader makes anything else. Others are good too, and are not promised to be."""
LINES = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
TEXT = rf"^{LINES}*[^\s\x00-\x1f\x7f-\x9f]{LINES}*$"
FORM: dict[str, Any] = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
}


@extend_schema_field({"type": "string", "maxLength": LONGEST_DOCUMENT_NAME, "pattern": NAME})
class NameField(serializers.CharField):
    """The name of a file, judged by checked_name."""


@extend_schema_field({"type": "string", "maxLength": LARGEST_DOCUMENT, "pattern": TEXT})
class TextField(serializers.CharField):
    """What the file holds, judged by checked_text."""


class DocumentFields(ChangeSerializer):
    """A document as programs send it."""

    name = NameField()
    text = TextField(allow_blank=True, trim_whitespace=False)


class UploadThrottle(RateLimitThrottle):
    """Each upload is read whole and kept."""

    preset = "upload"


class DocumentsView(ListView):
    """One's own documents."""

    filters = DocumentFilter
    parser_classes = [JsonParser, UploadParser]

    def get_throttles(self) -> list[BaseThrottle]:
        """Uploads are limited, reads are not."""
        return [UploadThrottle()] if self.request.method == "POST" else []

    def wanted(self, user_id: int, query: ListQuery) -> Wanted:
        """A page of one's own."""
        return DOCUMENTS, {"user_id": user_id, "query": query.text}

    @extend_schema(
        operation_id="documents",
        parameters=[WORDS, *SINCE, ordering(DocumentFilter), PAGE, *HEADERS],
        responses=cached_responses(DocumentPage, statuses=(400, 401, 429, 503)),
    )
    def get(self, request: Request) -> HttpResponse:
        """A page of your documents without their texts, through the cache; the newest stands first."""
        found = read_documents(user_in(request).pk, self.wish, caller=self.caller(request))
        return self.respond(request, DOCUMENTS, found)

    @extend_schema(
        operation_id="document_add",
        request={"application/json": DocumentFields, "multipart/form-data": FORM},
        responses={
            **enveloped(201, inlined(DocumentState)),
            **problems(400, 401, 403, 409, 413, 415, 429, 503),
        },
        extensions={"x-rate-limit": UploadThrottle.preset},
    )
    def post(self, request: Request) -> HttpResponse:
        """Add a .txt or .md document: as a file, or as name and text."""
        name, text = _of_form(request) if request.FILES else _of_json(request)
        return answered(add_document(user_in(request).pk, name=name, text=text), status=201)


class DocumentView(AssistantView):
    """One of one's own documents."""

    @extend_schema(operation_id="document_delete", responses={**EMPTY, **problems(401, 403, 404, 503)})
    def delete(self, request: Request, document_id: int) -> HttpResponse:
        """Delete a document."""
        delete_document(user_in(request).pk, document_id)
        return answered(None)


def _of_form(request: Request) -> tuple[str, str]:
    files = request.FILES.getlist("file")
    if len(files) != 1:
        raise ValidationError({"file": ["send one file in the field `file`"]})
    upload: Any = files[0]
    assert isinstance(upload, Upload)
    try:
        return checked_name(upload.name), checked_text(upload.content)
    except TextRefused as error:
        raise ValidationError({"file": error.messages}) from None


def _of_json(request: Request) -> tuple[str, str]:
    if request.content_type.startswith(UploadParser.media_type):
        raise ValidationError({"file": ["send one file in the field `file`"]})
    given = given_in(request, DocumentFields)
    wrong: dict[str, list[str]] = {}
    checked: dict[str, str] = {}
    for field, check in (("name", checked_name), ("text", checked_text)):
        try:
            checked[field] = check(given[field])
        except TextRefused as error:
            wrong[field] = error.messages
    if wrong:
        raise ValidationError(wrong)
    return checked["name"], checked["text"]
