"""What is cached of the assistant, and which changes supersede it."""

from __future__ import annotations

from assistant.answers import ANSWER
from assistant.models import Conversation, Document, Message, Persona, Preference
from assistant.models.persona import SYSTEM_WIDE
from assistant.schema import (
    ConversationPage,
    DocumentPage,
    MessagesEntry,
    PersonaPage,
    PersonaState,
    PreferenceState,
    Stats,
)
from cache_platform import Budget, CachePolicy, register, tags_of

__all__ = ["ANSWER", "CONVERSATIONS", "DOCUMENTS", "MESSAGES", "PERSONA", "PERSONA_LIST", "PREFERENCE", "STATS"]

EVERYBODYS = -1
"""In the place of a user's number: the list of those who see all personas."""

# One client's combinations of page, ordering and filters must not fill the store. Prompts make lists of personas large.
LARGE_LISTS = (Budget(limit=120, window=300),)
LISTS = (Budget(limit=300, window=60),)

PERSONA = register(
    CachePolicy(
        name="assistant.persona",
        description="One persona.",
        schema=PersonaState,
        params={"persona_id": int},
        tags=("persona:{persona_id}",),
        ttl=3600,
        ttl_variable="PERSONA_CACHE_TTL",
    )
)

PERSONA_LIST = register(
    CachePolicy(
        name="assistant.persona_list",
        description="A page of the personas that a user sees, by filters and ordering.",
        schema=PersonaPage,
        params={"user_id": int, "query": str},
        secret_params=frozenset({"query"}),
        tags=("user:{user_id}", "personas:{user_id}", f"personas:{SYSTEM_WIDE}"),
        ttl=300,
        ttl_variable="PERSONA_LIST_CACHE_TTL",
        budgets=LARGE_LISTS,
    )
)

PREFERENCE = register(
    CachePolicy(
        name="assistant.preference",
        description="What a user wants of the assistant.",
        schema=PreferenceState,
        params={"user_id": int},
        tags=("user:{user_id}", "preference:{user_id}"),
        ttl=600,
        ttl_variable="USER_PREF_CACHE_TTL",
    )
)

CONVERSATIONS = register(
    CachePolicy(
        name="assistant.conversations",
        description="A page of a user's conversations, by filters and ordering.",
        schema=ConversationPage,
        params={"user_id": int, "query": str},
        secret_params=frozenset({"query"}),
        tags=("user:{user_id}", "conversations:{user_id}"),
        ttl=180,
        budgets=LISTS,
    )
)

MESSAGES = register(
    CachePolicy(
        name="assistant.messages",
        description="A page of a conversation's messages.",
        schema=MessagesEntry,
        params={"conversation_id": int, "query": str},
        secret_params=frozenset({"query"}),
        tags=("messages:{conversation_id}",),
        ttl=120,
        budgets=LISTS,
    )
)

DOCUMENTS = register(
    CachePolicy(
        name="assistant.documents",
        description="A page of a user's documents, by filters and ordering.",
        schema=DocumentPage,
        params={"user_id": int, "query": str},
        secret_params=frozenset({"query"}),
        tags=("user:{user_id}", "documents:{user_id}"),
        ttl=60,
        budgets=LISTS,
    )
)

STATS = register(
    CachePolicy(
        name="assistant.stats",
        description="How much a user has of everything, and the tokens used and saved.",
        schema=Stats,
        params={"user_id": int},
        tags=("user:{user_id}", "assistant_stats:{user_id}"),
        ttl=30,
    )
)

tags_of(Persona, "persona:{id}", "personas:{audience}", f"personas:{EVERYBODYS}")
tags_of(Preference, "preference:{user_id}")
tags_of(Conversation, "conversations:{user_id}", "messages:{id}", "assistant_stats:{user_id}")
tags_of(Message, "messages:{conversation_id}", "assistant_stats:{conversation__user_id}")
tags_of(Document, "documents:{user_id}", "assistant_stats:{user_id}")
