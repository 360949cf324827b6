"""Conversations and their messages over REST."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from accounts.rest.base import user_in
from accounts.rest.changes import ChangeSerializer, given_in
from accounts.rest.schema import EMPTY, enveloped, problems
from accounts.validators import validate_plain_text
from assistant.conversations import begin, delete_conversation, read_conversations, read_messages, state_of
from assistant.exceptions import NotThere
from assistant.filters import ConversationFilter, MessageFilter
from assistant.lists import ListQuery
from assistant.models.conversation import LONGEST_TITLE
from assistant.policies import CONVERSATIONS, MESSAGES
from assistant.rest.base import (
    CREATED_AT,
    PAGE,
    SINCE,
    WORDS,
    AssistantView,
    ListView,
    PersonaIdField,
    check_persona,
    ordering,
    persona_gone,
)
from assistant.schema import ConversationPage, ConversationState, MessagePage
from cache_platform.rest.foresight import Wanted
from cache_platform.rest.responses import answered
from cache_platform.rest.schema import HEADERS, cached_responses, inlined


class ConversationFields(ChangeSerializer):
    """What a conversation begins with."""

    shown_only = frozenset({"id", "created_at", "updated_at"})

    title = serializers.CharField(
        default="", allow_blank=True, max_length=LONGEST_TITLE, validators=[validate_plain_text]
    )
    persona_id = PersonaIdField()


class ConversationsView(ListView):
    """One's own conversations."""

    filters = ConversationFilter

    def wanted(self, user_id: int, query: ListQuery) -> Wanted:
        """A page of one's own."""
        return CONVERSATIONS, {"user_id": user_id, "query": query.text}

    @extend_schema(
        operation_id="conversations",
        parameters=[WORDS, *SINCE, ordering(ConversationFilter), PAGE, *HEADERS],
        responses=cached_responses(ConversationPage, statuses=(400, 401, 429, 503)),
    )
    def get(self, request: Request) -> HttpResponse:
        """A page of your conversations, through the cache; the one that went on last stands first."""
        found = read_conversations(user_in(request).pk, self.wish, caller=self.caller(request))
        return self.respond(request, CONVERSATIONS, found)

    @extend_schema(
        operation_id="conversation_begin",
        parameters=[CREATED_AT],
        request=ConversationFields,
        responses={**enveloped(201, inlined(ConversationState)), **problems(400, 401, 403, 409, 503)},
    )
    def post(self, request: Request) -> HttpResponse:
        """A new conversation, without messages yet."""
        user, given = user_in(request), given_in(request, ConversationFields)
        check_persona(user, given["persona_id"])
        try:
            made = begin(user.pk, **given)
        except NotThere:
            raise persona_gone(given["persona_id"]) from None
        return answered(state_of(made), status=201, location=reverse("conversation-messages", args=[made.pk]))


class ConversationView(AssistantView):
    """One of one's own conversations."""

    @extend_schema(operation_id="conversation_delete", responses={**EMPTY, **problems(401, 403, 404, 503)})
    def delete(self, request: Request, conversation_id: int) -> HttpResponse:
        """Delete a conversation with its messages."""
        delete_conversation(user_in(request).pk, conversation_id)
        return answered(None)


class MessagesView(ListView):
    """The messages of one of one's own conversations."""

    filters = MessageFilter

    def wanted(self, user_id: int, query: ListQuery) -> Wanted:  # noqa: ARG002  # whose it is, its entry says
        """A page of the conversation that the address names."""
        return MESSAGES, {"conversation_id": self.kwargs["conversation_id"], "query": query.text}

    @extend_schema(
        operation_id="conversation_messages",
        parameters=[ordering(MessageFilter), PAGE, *HEADERS],
        responses=cached_responses(MessagePage, statuses=(400, 401, 404, 429, 503)),
    )
    def get(self, request: Request, conversation_id: int) -> HttpResponse:
        """A page of a conversation's messages, through the cache."""
        found = read_messages(conversation_id, self.wish, caller=self.caller(request))
        if found.value is None or found.value.user_id != user_in(request).pk:
            raise Http404
        return self.respond(request, MESSAGES, found, lambda entry: entry.messages)
