"""Documents: reading through the cache, adding, deleting, and their texts for a prompt."""

from __future__ import annotations

import hashlib

from django.db import router, transaction
from django.db.models import Sum

from accounts.models import User
from accounts.subscriptions import allowance_of
from assistant.exceptions import NotThere, QuotaUsedUp, TooLarge
from assistant.lists import ListQuery
from assistant.models import Document
from assistant.policies import DOCUMENTS
from assistant.schema import DocumentPage, DocumentState
from cache_platform import Read, read

LARGEST_DOCUMENT = 256 * 1024
MOST_DOCUMENTS = 50
"""Of a user, whatever the plan says."""
MOST_BYTES = 5 * 1024 * 1024
"""What all documents of a user may have together."""
MOST_LETTERS = 32_000
"""What of all documents together goes into a prompt."""


def read_documents(user_id: int, query: ListQuery, *, caller: str | None = None) -> Read[DocumentPage]:
    """A page of the user's documents, through the cache."""
    params = {"user_id": user_id, "query": query.text}
    return read(DOCUMENTS, params, lambda **_: load_documents(user_id, query), caller=caller)


def load_documents(user_id: int, query: ListQuery) -> DocumentPage:
    """A page of the user's documents from the database, in two queries."""
    rows, total = query.page_of(Document.objects.filter(user_id=user_id).defer("text"))
    return DocumentPage(items=tuple(state_of(row) for row in rows), total=total, page=query.page)


def add_document(user_id: int, *, name: str, text: str) -> DocumentState:
    """Keep a document, whose name and text were checked (assistant.uploads).

    Raises TooLarge, QuotaUsedUp, and NotThere when the user is gone.
    """
    content = text.encode()
    if len(content) > LARGEST_DOCUMENT:
        raise TooLarge(LARGEST_DOCUMENT)
    with transaction.atomic(using=router.db_for_write(Document)):
        # The lock keeps two uploads at once from both finding the last free place.
        if User.objects.select_for_update(no_key=True).filter(pk=user_id).first() is None:
            raise NotThere(user_id)
        _check_quota(user_id, len(content))
        row = Document.objects.create(
            user_id=user_id, name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest(), text=text
        )
    return state_of(row)


def delete_document(user_id: int, document_id: int) -> None:
    """Delete one of the user's documents. Raises NotThere, for another's too."""
    deleted, _ = Document.objects.filter(pk=document_id, user_id=user_id).delete()
    if not deleted:
        raise NotThere(document_id)


def texts_of(user_id: int) -> list[tuple[str, str]]:
    """Names and texts of the user's documents for a prompt, the newest first, MOST_LETTERS together: the last one is
    cut. From the database."""
    found: list[tuple[str, str]] = []
    left = MOST_LETTERS
    rows = Document.objects.filter(user_id=user_id).order_by("-created_at", "-pk")
    for name, text in rows.values_list("name", "text").iterator(chunk_size=5):
        if left <= 0:
            break
        found.append((name, text[:left]))
        left -= len(text)
    return found


def state_of(row: Document) -> DocumentState:
    """A document as the API shows it."""
    return DocumentState(id=row.pk, name=row.name, size=row.size, sha256=row.sha256, created_at=row.created_at)


def _check_quota(user_id: int, size: int) -> None:
    own = Document.objects.filter(user_id=user_id)
    allowed = allowance_of(user_id, "documents")
    if allowed.used_up:
        raise QuotaUsedUp(allowed.refusal("documents; delete one first"))
    if allowed.used >= MOST_DOCUMENTS:
        raise QuotaUsedUp(f"You have {MOST_DOCUMENTS} documents; delete one first.")
    if (own.aggregate(size=Sum("size"))["size"] or 0) + size > MOST_BYTES:
        raise QuotaUsedUp(f"Your documents may have {MOST_BYTES} bytes together; delete one first.")
