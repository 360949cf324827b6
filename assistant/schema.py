"""The values of the assistant's policies."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec


class PersonaState(msgspec.Struct, frozen=True, kw_only=True):
    """A persona. `created_by` is None for a system-wide one; `version` rises with each change."""

    id: int
    name: str
    description: str
    system_prompt: str
    is_active: bool
    version: int
    created_by: int | None
    created_at: datetime
    updated_at: datetime


class PersonaPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of personas; `total` counts those on all pages."""

    items: tuple[PersonaState, ...]
    total: int
    page: int


class PreferenceState(msgspec.Struct, frozen=True, kw_only=True):
    """What a user wants: a persona or None, a temperature from 0 to 2, and whether documents go into the prompt."""

    user_id: int
    persona_id: int | None
    temperature: float
    use_documents: bool


class ConversationState(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation; `updated_at` is when its last message came."""

    id: int
    title: str
    persona_id: int | None
    created_at: datetime
    updated_at: datetime


class ConversationPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of conversations; `total` counts those on all pages."""

    items: tuple[ConversationState, ...]
    total: int
    page: int


class MessageState(msgspec.Struct, frozen=True, kw_only=True):
    """A message. `cached`: an answer that was not asked of the provider; not `complete`: one that was cut off."""

    id: int
    role: Literal["user", "assistant"]
    content: str
    created_at: datetime
    cached: bool
    complete: bool
    prompt_tokens: int
    completion_tokens: int


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of messages; `total` counts those on all pages."""

    items: tuple[MessageState, ...]
    total: int
    page: int


class MessagesEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is cached of a conversation's messages: a page, and whose they are."""

    user_id: int
    messages: MessagePage


class DocumentState(msgspec.Struct, frozen=True, kw_only=True):
    """A document without its text; `size` and `sha256` are of the text in UTF-8."""

    id: int
    name: str
    size: int
    sha256: str
    created_at: datetime


class DocumentPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of documents; `total` counts those on all pages."""

    items: tuple[DocumentState, ...]
    total: int
    page: int


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """How much a user has of everything. `tokens_used` were paid for, `tokens_saved` came from the cache; what those
    would have cost are `micro_usd_saved`, millionths of a US dollar."""

    user_id: int
    conversations: int
    messages: int
    documents: int
    document_bytes: int
    tokens_used: int
    tokens_saved: int
    micro_usd_saved: int
