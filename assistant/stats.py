"""How much a user has of everything."""

from __future__ import annotations

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from assistant.models import Conversation, Document, Message
from assistant.policies import STATS
from assistant.prices import micro_usd
from assistant.schema import Stats
from cache_platform import Read, read


def read_stats(user_id: int, *, caller: str | None = None) -> Read[Stats]:
    """The user's numbers, through the cache."""
    return read(STATS, {"user_id": user_id}, load_stats, caller=caller)


def load_stats(user_id: int) -> Stats:
    """The user's numbers from the database, in three queries. Tokens of answers that came from the cache were saved,
    all others used."""
    tokens, cached = F("prompt_tokens") + F("completion_tokens"), Q(cached=True)
    messages = Message.objects.filter(conversation__user_id=user_id).aggregate(
        messages=Count("pk"),
        tokens_used=Coalesce(Sum(tokens, filter=~cached), 0),
        prompt_tokens=Coalesce(Sum("prompt_tokens", filter=cached), 0),
        completion_tokens=Coalesce(Sum("completion_tokens", filter=cached), 0),
    )
    saved = {name: messages.pop(name) for name in ("prompt_tokens", "completion_tokens")}
    documents = Document.objects.filter(user_id=user_id).aggregate(
        documents=Count("pk"), document_bytes=Coalesce(Sum("size"), 0)
    )
    conversations = Conversation.objects.filter(user_id=user_id).count()
    return Stats(
        user_id=user_id,
        conversations=conversations,
        tokens_saved=sum(saved.values()),
        micro_usd_saved=micro_usd(**saved),
        **messages,
        **documents,
    )
