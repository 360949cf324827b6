"""Conversations and their messages: reading through the cache, beginning, and going on."""

from __future__ import annotations

from typing import Literal, cast

from django.db import IntegrityError, router, transaction
from django.utils import timezone

from assistant.exceptions import NotThere
from assistant.lists import ListQuery
from assistant.models import Conversation, Message
from assistant.models.conversation import LONGEST_TITLE
from assistant.policies import CONVERSATIONS, MESSAGES
from assistant.schema import ConversationPage, ConversationState, MessagePage, MessagesEntry, MessageState
from cache_platform import Read, read

Speaker = Literal["user", "assistant"]


def read_conversations(user_id: int, query: ListQuery, *, caller: str | None = None) -> Read[ConversationPage]:
    """A page of the user's conversations, through the cache."""
    params = {"user_id": user_id, "query": query.text}
    return read(CONVERSATIONS, params, lambda **_: load_conversations(user_id, query), caller=caller)


def load_conversations(user_id: int, query: ListQuery) -> ConversationPage:
    """A page of the user's conversations from the database, in two queries."""
    rows, total = query.page_of(Conversation.objects.filter(user_id=user_id))
    return ConversationPage(items=tuple(state_of(row) for row in rows), total=total, page=query.page)


def read_messages(conversation_id: int, query: ListQuery, *, caller: str | None = None) -> Read[MessagesEntry]:
    """A page of a conversation's messages, and whose it is, through the cache; the value is None without such a
    conversation. Whose it is, the caller has to compare."""
    params = {"conversation_id": conversation_id, "query": query.text}
    return read(MESSAGES, params, lambda **_: load_messages(conversation_id, query), caller=caller)


def load_messages(conversation_id: int, query: ListQuery) -> MessagesEntry | None:
    """A page of a conversation's messages from the database, in three queries."""
    owner = Conversation.objects.filter(pk=conversation_id).values_list("user_id", flat=True).first()
    if owner is None:
        return None
    rows, total = query.page_of(Message.objects.filter(conversation_id=conversation_id))
    page = MessagePage(items=tuple(message_of(row) for row in rows), total=total, page=query.page)
    return MessagesEntry(user_id=owner, messages=page)


def own_conversation(user_id: int, conversation_id: int) -> Conversation:
    """The user's conversation of that id. Raises NotThere, for another's too."""
    row = Conversation.objects.filter(pk=conversation_id, user_id=user_id).first()
    if row is None:
        raise NotThere(conversation_id)
    return row


def begin(user_id: int, *, persona_id: int | None, title: str) -> Conversation:
    """A new conversation; of the title, as much as is plain text in one line. Whether the user may see the persona,
    the caller has to know. Raises NotThere when the persona or the user was deleted a moment ago."""
    try:
        with transaction.atomic(using=router.db_for_write(Conversation)):
            return Conversation.objects.create(user_id=user_id, persona_id=persona_id, title=plain_title(title))
    except IntegrityError:
        raise NotThere(persona_id) from None


def append(
    conversation: Conversation,
    *,
    role: Speaker,
    content: str,
    cached: bool = False,
    complete: bool = True,
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
) -> Message:
    """A new message at the end of a conversation. Raises NotThere when the conversation was deleted meanwhile."""
    now = timezone.now()
    try:
        with transaction.atomic(using=router.db_for_write(Message)):
            # First, because its lock puts those who append at once in an order.
            if not Conversation.objects.filter(pk=conversation.pk).update(updated_at=now):
                raise NotThere(conversation.pk)
            return Message.objects.create(
                conversation_id=conversation.pk,
                role=role,
                content=content,
                created_at=now,
                cached=cached,
                complete=complete,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
            )
    except IntegrityError:
        raise NotThere(conversation.pk) from None


def history(conversation_id: int, *, last: int = 20) -> list[Message]:
    """The last messages of a conversation in their order, from the database."""
    rows = Message.objects.filter(conversation_id=conversation_id).order_by("-pk")[:last]
    return list(rows)[::-1]


def plain_title(text: str) -> str:
    """`text` as a title: one line of what can be seen, with an ellipsis where it is cut."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rstrip() + "…"


def state_of(row: Conversation) -> ConversationState:
    """A conversation as the API shows it."""
    return ConversationState(
        id=row.pk,
        title=row.title,
        persona_id=row.persona_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def message_of(row: Message) -> MessageState:
    """A message as the API shows it."""
    return MessageState(
        id=row.pk,
        role=cast(Speaker, row.role),
        content=row.content,
        created_at=row.created_at,
        cached=row.cached,
        complete=row.complete,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
    )
