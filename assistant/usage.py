"""What of a plan the assistant's rows use up."""

from __future__ import annotations

from datetime import datetime

from accounts.usage import counted_by
from assistant.models import Conversation, Document, Message
from cache_platform import tags_of


def documents_of(user_id: int, since: datetime) -> int:  # noqa: ARG001  # all that there are
    """The user's documents."""
    return Document.objects.filter(user_id=user_id).count()


def questions_of(user_id: int, since: datetime) -> int:
    """The user's questions of the period; those that were deleted are not counted."""
    return Message.objects.filter(conversation__user_id=user_id, role="user", created_at__gte=since).count()


counted_by("documents", documents_of)
counted_by("chat_messages", questions_of)
tags_of(Document, "subscription:{user_id}")
tags_of(Conversation, "subscription:{user_id}")
tags_of(Message, "subscription:{conversation__user_id}")
