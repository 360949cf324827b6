"""Asking the assistant over REST, whole or as a stream of server-sent events."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from accounts.rest.base import user_in
from accounts.rest.changes import ChangeSerializer, given_in
from accounts.rest.schema import enveloped, problems
from assistant.answers import let_go_of_connections
from assistant.chatting import LONGEST_MESSAGE, Asked, Reply, ask, reply
from assistant.event_stream import CONTENT_TYPE
from assistant.filters import LARGEST_ID
from assistant.places import places
from assistant.rest.base import AssistantView, PersonaIdField
from assistant.rest.problems import unanswered
from assistant.rest.streams import ReplyStream
from assistant.validators import validate_text
from cache_platform.exceptions import LoadRefused, SourceError
from cache_platform.rest.responses import answered, no_store
from cache_platform.rest.schema import inlined
from cache_platform.rest.throttles import RateLimitThrottle


class ChatThrottle(RateLimitThrottle):
    """Questions, for each user; each may cost money."""

    preset = "chat"


class EventStreamRenderer(BaseRenderer):
    """Lets a client ask for a stream. The view makes it."""

    media_type = CONTENT_TYPE
    format = "event-stream"
    charset = None

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:  # noqa: ANN401  # DRF's signature
        """Never called: answers are made by the view, problems by the exception handler."""
        raise NotImplementedError


class QuestionFields(ChangeSerializer):
    """A question."""

    message = serializers.CharField(
        max_length=LONGEST_MESSAGE, validators=[validate_text], style={"base_template": "textarea.html"}
    )
    persona_id = PersonaIdField()
    conversation_id = serializers.IntegerField(min_value=1, max_value=LARGEST_ID, allow_null=True, default=None)
    documents = serializers.BooleanField(allow_null=True, default=None)


class ChatView(AssistantView):
    """A question and its answer."""

    throttle_classes = (ChatThrottle,)
    renderer_classes = (JSONRenderer, EventStreamRenderer)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """Only an answer comes as a stream: what OPTIONS tells is JSON, whatever is accepted."""
        if request.method == "OPTIONS":
            return JSONRenderer(), "application/json"
        return super().perform_content_negotiation(request, force=force)

    @extend_schema(
        operation_id="chat",
        request=QuestionFields,
        responses={
            **enveloped(200, inlined(Reply)),
            (200, CONTENT_TYPE): {
                "type": "string",
                "description": "Events: `begun`, `delta`s, `done` or `problem`",
            },
            **problems(400, 401, 403, 404, 409, 422, 429, 503),
        },
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Ask the assistant. What you leave out is as the conversation has it, or your preference.

        With `Accept: text/event-stream` the answer comes in parts: `begun` `{"conversation_id"}`, `delta` `{"text"}`,
        then `done` with what `data` is in the JSON answer, or `problem` (RFC 9457), which says `retry_after` in seconds
        where a header would. A question that the conversation ends with already is not kept twice: send it again with
        the `conversation_id` that `begun`, or the problem of a JSON answer (422, 503), says."""
        given = given_in(request, QuestionFields)
        place = places.take(user_in(request).pk)
        try:
            asked = ask(
                user_in(request),
                message=given["message"],
                persona_id=given["persona_id"],
                conversation_id=given["conversation_id"],
                with_documents=given["documents"],
            )
            number = asked.conversation.pk
            if request.accepted_renderer.media_type != CONTENT_TYPE:
                return _whole(asked, number)
            let_go_of_connections()  # which else stay with this thread until the stream's end
            return _streamed(ReplyStream(number, lambda on_delta: reply(asked, on_delta=on_delta), place).start())
        finally:
            place.let_go()


def _whole(asked: Asked, number: int) -> HttpResponse:
    try:
        return answered(reply(asked))
    except (SourceError, LoadRefused) as error:
        return unanswered(error, number)


def _streamed(stream: ReplyStream) -> StreamingHttpResponse:
    response = StreamingHttpResponse(stream, content_type=CONTENT_TYPE)
    response["X-Accel-Buffering"] = "no"  # nginx would collect it
    return no_store(response)
