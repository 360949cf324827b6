"""Conversations and their messages: reading through the cache, beginning, and going on."""

from __future__ import annotations

import re
from typing import Literal, cast

from django.db import IntegrityError, router, transaction
from django.utils import timezone

from accounts.models import User
from accounts.subscriptions import allowance_of
from assistant.exceptions import NotThere, QuotaUsedUp
from assistant.lists import ListQuery
from assistant.models import Conversation, Message
from assistant.models.conversation import LONGEST_TITLE
from assistant.policies import CONVERSATIONS, MESSAGES
from assistant.schema import ConversationPage, ConversationState, MessagePage, MessagesEntry, MessageState
from cache_platform import Read, read

Speaker = Literal["user", "assistant"]
MOST_CONVERSATIONS = 1000
"""Of a user."""
LINE_END = re.compile(r"\r\n?")


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
    the caller has to know. Raises QuotaUsedUp, and NotThere when the persona or the user was deleted a moment ago."""
    try:
        with transaction.atomic(using=router.db_for_write(Conversation)):
            # The lock keeps two at once from both finding the last free place.
            if User.objects.select_for_update(no_key=True).filter(pk=user_id).first() is None:
                raise NotThere(user_id)
            if Conversation.objects.filter(user_id=user_id).count() >= MOST_CONVERSATIONS:
                raise QuotaUsedUp(f"You have {MOST_CONVERSATIONS} conversations; delete one first.")
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


def keep_question(conversation: Conversation, content: str) -> Message:
    """The question `content` at the end of a conversation: a new message, or the last one where that is this question
    already and waits for its answer, as when it is sent again. Raises QuotaUsedUp, and NotThere as `append`."""
    with transaction.atomic(using=router.db_for_write(Message)):
        _locked(conversation.pk)
        last = Message.objects.filter(conversation_id=conversation.pk).order_by("-pk").first()
        if last is not None and last.role == "user" and _same(last.content, content):
            return last
        _check_plan(conversation.user_id)
        return append(conversation, role="user", content=content)


def keep_answer(
    question: Message, content: str, *, cached: bool, complete: bool, prompt_tokens: int, completion_tokens: int
) -> Message:
    """The answer to `question`: a new message at the end, or the one right behind the question where that says the
    same, as when the question was sent again while its answer was on the way. Raises NotThere as `append`."""
    with transaction.atomic(using=router.db_for_write(Message)):
        conversation = _locked(question.conversation_id)
        behind = Message.objects.filter(conversation_id=question.conversation_id, pk__gt=question.pk)
        given = behind.order_by("pk").first()
        if given is not None and given.role == "assistant" and given.content == content:
            return given
        return append(
            conversation,
            role="assistant",
            content=content,
            cached=cached,
            complete=complete,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
        )


def delete_conversation(user_id: int, conversation_id: int) -> None:
    """Delete one of the user's conversations with its messages. Raises NotThere, for another's too."""
    with transaction.atomic(using=router.db_for_write(Conversation)):
        # Its lock keeps messages from coming between the deletion of those that are there and its own.
        row = _locked(conversation_id)
        if row.user_id != user_id:
            raise NotThere(conversation_id)
        row.delete()


def history(conversation_id: int, *, last: int = 20, before: int | None = None) -> list[Message]:
    """The last messages of a conversation in their order, from the database; those before the message of the number
    `before`, where that is given."""
    rows = Message.objects.filter(conversation_id=conversation_id)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:last])[::-1]


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


def _locked(conversation_id: int) -> Conversation:
    row = Conversation.objects.select_for_update().filter(pk=conversation_id).first()
    if row is None:
        raise NotThere(conversation_id)
    return row


def _check_plan(user_id: int) -> None:
    """Raises QuotaUsedUp when the user's plan allows no further question in this period."""
    list(User.objects.select_for_update(no_key=True).filter(pk=user_id).values_list("pk"))
    allowed = allowance_of(user_id, "chat_messages")
    if allowed.used_up:
        raise QuotaUsedUp(allowed.refusal("chat messages in 30 days; wait"))


def _same(one: str, other: str) -> bool:
    """Whether two texts say the same. Browsers change line ends on the way to a page and back."""
    return LINE_END.sub("\n", one) == LINE_END.sub("\n", other)
