"""What the chat page shows of conversations: the list, one's messages, and who answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import Http404, QueryDict
from django.urls import reverse

from accounts.models import User
from accounts.pages.wording import Moment, ago, moment
from assistant.conversations import read_conversations, read_messages
from assistant.filters import ConversationFilter, ListFilter, MessageFilter
from assistant.lists import PAGE_SIZE, BadQuery, ListQuery
from assistant.pages.wording import tokens_words
from assistant.personas import read_persona, visible_to
from assistant.schema import ConversationPage, ConversationState, MessagesEntry, MessageState
from cache_platform import Read

UNTITLED = "Untitled"
NOBODY = "Assistant"
"""Who answers where there is no persona."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkRow:
    """A conversation as the list shows it; `present` is the one that is open."""

    title: str
    address: str
    when: Moment
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkList:
    """A page of conversations, and the addresses of those beside it, empty where there is none."""

    rows: tuple[TalkRow, ...]
    total: int
    older: str
    newer: str
    found: Read[ConversationPage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message. `saved` says how many tokens its answer did not cost; empty for one that was paid for."""

    id: int
    who: str
    own: bool
    text: str
    when: Moment
    cached: bool
    saved: str
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A page of a conversation's messages, and the addresses of those beside it. `unanswered`: its last message waits
    for an answer."""

    messages: tuple[Said, ...]
    earlier: str
    newest: str
    unanswered: bool
    found: Read[MessagesEntry]


def talk_list(user: User, *, page: str, present: int | None, now: datetime) -> TalkList:
    """A page of the user's conversations, through the cache. Raises Http404 for what is no page."""
    query = _query(ConversationFilter, page=page)
    found = read_conversations(user.pk, query)
    assert found.value is not None, "a list is always there"
    here = reverse("assistant:chat") if present is None else reverse("assistant:conversation", args=[present])
    total = found.value.total
    return TalkList(
        rows=tuple(_row(state, present, now) for state in found.value.items),
        total=total,
        older=f"{here}?older={query.page + 1}" if total > query.page * PAGE_SIZE else "",
        newer=f"{here}?older={query.page - 1}" if query.page > 1 else "",
        found=found,
    )


def talk(user: User, conversation_id: int, *, page: str, who: str, now: datetime) -> Talk:
    """A page of the conversation's messages, the last ones first, through the cache; each page in the order in which
    they were said. Raises Http404 for another's conversation, and for what is no page."""
    query = _query(MessageFilter, page=page, ordering="-created_at")
    found = read_messages(conversation_id, query)
    if found.value is None or found.value.user_id != user.pk:
        raise Http404
    here, messages = reverse("assistant:conversation", args=[conversation_id]), found.value.messages
    said = tuple(_said(state, who, now) for state in reversed(messages.items))
    return Talk(
        messages=said,
        earlier=f"{here}?earlier={query.page + 1}" if messages.total > query.page * PAGE_SIZE else "",
        newest=here if query.page > 1 else "",
        unanswered=query.page == 1 and bool(said) and said[-1].own,
        found=found,
    )


def who_answers(persona_id: int | None, user: User) -> str:
    """The name of the persona that a conversation has, if it is still used; empty without one."""
    persona = None if persona_id is None else read_persona(persona_id).value
    return persona.name if persona and persona.is_active and visible_to(persona, user) else ""


def _query(kind: type[ListFilter], **wishes: str) -> ListQuery:
    try:
        return ListQuery.parse(kind, QueryDict(urlencode(wishes)))
    except BadQuery:
        raise Http404 from None


def _row(state: ConversationState, present: int | None, now: datetime) -> TalkRow:
    return TalkRow(
        title=state.title or UNTITLED,
        address=reverse("assistant:conversation", args=[state.id]),
        when=moment(state.updated_at, ago(state.updated_at, now)),
        present=state.id == present,
    )


def _said(state: MessageState, who: str, now: datetime) -> Said:
    own, tokens = state.role == "user", state.prompt_tokens + state.completion_tokens
    return Said(
        id=state.id,
        who="You" if own else who,
        own=own,
        text=state.content,
        when=moment(state.created_at, ago(state.created_at, now)),
        cached=state.cached,
        saved=tokens_words(tokens) if state.cached and tokens else "",
        complete=state.complete,
    )
