"""The documents in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from accounts.models import User
from accounts.pages.frame import account_page, focus_first_error, user_of
from accounts.pages.wording import Moment, ago, moment, source
from accounts.subscriptions import read_subscription
from assistant.documents import LARGEST_DOCUMENT, MOST_BYTES, MOST_DOCUMENTS, delete_document, read_documents
from assistant.exceptions import NotThere
from assistant.filters import DocumentFilter
from assistant.lists import BadQuery, ListQuery
from assistant.pages.forms import PasteForm, UploadForm, sentence
from assistant.pages.frame import show
from assistant.pages.limits import refused, take, too_many, too_varied
from assistant.pages.paging import pager
from assistant.pages.sizes import Meter, meter, size_words
from assistant.pages.uploads import AsItCame, Refused, add_file, add_text
from assistant.schema import DocumentState, Stats
from assistant.stats import read_stats
from assistant.uploads import SUFFIXES
from cache_platform.exceptions import BudgetExceeded

DOCUMENT_ID = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A document as the page lists it."""

    id: int
    name: str
    size: str
    added: Moment


@csrf_exempt  # until its body can be read: see _documents
@account_page
def documents(request: HttpRequest) -> HttpResponse:
    """One's own documents. `do=upload` adds a file, `do=paste` a text, `do=delete` deletes one."""
    if request.method == "POST":
        request.upload_handlers = [AsItCame(request)]
    return _documents(request)


@csrf_protect
def _documents(request: HttpRequest) -> HttpResponse:
    """The page, when the way in which the body is read is set: to look for the form's token is to read it."""
    if request.method != "POST":
        return _list(request)
    user = user_of(request)
    match request.POST.get("do"):
        case "delete":
            return _delete(request, user)
        case "paste":
            paste = PasteForm(request.POST, auto_id="id_paste_%s")
            return _add(request, paste, lambda: add_text(user, paste))
        case _:
            upload = UploadForm({})
            return _add(request, upload, lambda: add_file(request, user, upload))


def _add(request: HttpRequest, form: UploadForm | PasteForm, add: Callable[[], DocumentState]) -> HttpResponse:
    """Keep a document, under the limit that the API's uploads have too: they count, kept or not."""
    decision = take(request, "upload")
    if not decision.allowed:
        form.add_error(None, too_many(decision, "uploads"))
        return refused(_list(request, form=form), decision)
    try:
        added = add()
    except Refused as error:
        return _list(request, form=form, status=error.status)
    except NotThere:
        return redirect("accounts:login")
    messages.success(request, f"“{added.name}” is kept.")
    return redirect("assistant:documents")


def _delete(request: HttpRequest, user: User) -> HttpResponse:
    """Delete one; pressing twice is told, and no error."""
    given = request.POST.get("document", "")
    try:
        if not DOCUMENT_ID.fullmatch(given):
            raise NotThere
        delete_document(user.pk, int(given))
    except NotThere:
        messages.info(request, "That document is not there any more.")
    else:
        messages.success(request, "The document is deleted. No answer is made with it any more.")
    return redirect("assistant:documents")


def _list(request: HttpRequest, *, form: UploadForm | PasteForm | None = None, status: int = 200) -> HttpResponse:
    user = user_of(request)
    upload = form if isinstance(form, UploadForm) else UploadForm()
    paste = form if isinstance(form, PasteForm) else PasteForm(auto_id="id_paste_%s")
    stats, most = read_stats(user.pk), _most(user)
    context: dict[str, Any] = {
        "upload": upload,
        "paste": paste,
        "meters": _meters(stats.value, most) if stats.value else [],
        "largest": LARGEST_DOCUMENT,
        "largest_words": size_words(LARGEST_DOCUMENT),
        "suffixes": " ".join(SUFFIXES),
        "most": most,
        "most_words": size_words(MOST_BYTES),
    }
    try:
        query = ListQuery.parse(DocumentFilter, request.GET)
        found = read_documents(user.pk, query, caller=f"user:{user.pk}")
    except BudgetExceeded as error:
        context["trouble"], status = too_varied(error), 429
    except BadQuery as error:
        words = [sentence(text) for texts in error.errors.values() for text in texts]
        context["trouble"], status = " ".join(words), 400
    else:
        assert found.value is not None, "an empty list is a value"
        now = datetime.now(UTC)
        context |= {
            "rows": [_row(each, now) for each in found.value.items],
            "total": found.value.total,
            "pager": pager(request.GET, page=query.page, total=found.value.total),
            "cached": found.cached,
            "source": source(found),
        }
    if form is not None:
        context["form"] = form
        focus_first_error(form)
    response = show(request, "documents", "documents", context)
    response.status_code = status
    return response


def _most(user: User) -> int:
    """How many documents the user may have, by the plan."""
    subscription = read_subscription(user_id=user.pk).value
    return MOST_DOCUMENTS if subscription is None else min(MOST_DOCUMENTS, subscription.limits["documents"])


def _meters(stats: Stats, most: int) -> list[Meter]:
    count, size = stats.documents, stats.document_bytes
    return [
        meter("documents", "Documents", used=count, most=most, words=f"{count} of {most}"),
        meter("bytes", "Room", used=size, most=MOST_BYTES, words=f"{size_words(size)} of {size_words(MOST_BYTES)}"),
    ]


def _row(document: DocumentState, now: datetime) -> DocumentRow:
    return DocumentRow(
        id=document.id,
        name=document.name,
        size=size_words(document.size),
        added=moment(document.created_at, ago(document.created_at, now)),
    )
