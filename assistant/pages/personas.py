"""The personas in a browser: the list with one's preference, and a page for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import User
from accounts.pages.frame import account_page, user_of
from accounts.pages.wording import source
from assistant.exceptions import NameTaken, NotAllowed, NotThere, QuotaUsedUp
from assistant.filters import PersonaFilter
from assistant.lists import BadQuery, ListQuery
from assistant.models.persona import VERSIONED
from assistant.pages.choices import persona_choices
from assistant.pages.forms import PersonaForm, PreferenceForm, sentence
from assistant.pages.frame import show
from assistant.pages.limits import refused, take, too_many, too_varied
from assistant.pages.paging import pager
from assistant.pages.persona_rows import persona_row
from assistant.personas import (
    change_persona,
    create_persona,
    delete_persona,
    may,
    read_persona,
    read_personas,
    visible_to,
)
from assistant.preferences import choose, read_preference
from assistant.schema import PersonaState, PreferenceState
from cache_platform.exceptions import BudgetExceeded
from cache_platform.ratelimits import Decision

NAME_TAKEN = "You have a persona of that name already."
GONE = "That persona is not there any more."
NOT_YOURS = "You may look at this persona, and not change it."
FILTERS = ("q", "active", "created_by")
KEPT = (*FILTERS, "ordering", "page")
"""What of the list's query its links and forms keep."""


@account_page
def personas(request: HttpRequest) -> HttpResponse:
    """The personas that one sees. `do=create` makes one of one's own, `do=preference` sets what one wants."""
    if request.method != "POST":
        return _list(request)
    if request.POST.get("do") == "preference":
        return _prefer(request)
    return _create(request)


@account_page
def persona(request: HttpRequest, persona_id: int) -> HttpResponse:
    """One persona. `do=change` and `do=delete` do that with it, `do=default` has it used in new conversations."""
    match request.POST.get("do", "") if request.method == "POST" else None:
        case None:
            return _page(request, _seen(request, persona_id))
        case "delete":
            return _delete(request, persona_id)
        case "default":
            return _use_by_default(request, _seen(request, persona_id))
        case _:
            return _change(request, _seen(request, persona_id))


def _create(request: HttpRequest) -> HttpResponse:
    form = PersonaForm(request.POST)
    if not form.is_valid():
        return _list(request, form=form, status=400)
    try:
        made = create_persona(user_of(request), **form.cleaned_data)
    except NameTaken:
        form.add_error("name", NAME_TAKEN)
        return _list(request, form=form, status=400)
    except QuotaUsedUp as error:
        form.add_error(None, error.detail)
        form.fields["name"].widget.attrs["autofocus"] = True  # far down the page, nobody would else see it
        return _list(request, form=form, status=409)
    except NotThere:
        return redirect("accounts:login")
    messages.success(request, f"“{made.name}” is made.")
    return redirect("assistant:persona", persona_id=made.id)


def _prefer(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    form = _preference_form(user, _preference(user), request.POST)
    if not form.is_valid():
        return _list(request, preference=form, status=400)
    try:
        choose(user.pk, **form.cleaned_data)
    except NotThere:
        messages.error(request, GONE)
    else:
        messages.success(request, "New conversations begin with this.")
    return redirect(_back(request))


def _change(request: HttpRequest, before: PersonaState) -> HttpResponse:
    form = PersonaForm(request.POST)
    if may(user_of(request), "change", before) and not form.is_valid():
        return _page(request, before, form=form, status=400)
    try:
        after = change_persona(before.id, by=user_of(request), changes=form.cleaned_data if form.is_valid() else {})
    except NotThere:
        raise Http404 from None
    except NotAllowed:
        messages.error(request, NOT_YOURS)
    except NameTaken:
        form.add_error("name", NAME_TAKEN if before.created_by else "There is a persona of that name already.")
        return _page(request, before, form=form, status=400)
    else:
        changed = after.version > before.version
        words = f"Kept as version {after.version}." if changed else "Nothing was changed."
        messages.success(request, words)
    return redirect("assistant:persona", persona_id=before.id)


def _delete(request: HttpRequest, persona_id: int) -> HttpResponse:
    """Delete it; pressing twice is told, and no error."""
    try:
        delete_persona(persona_id, by=user_of(request))
    except NotThere:
        messages.info(request, GONE)
    except NotAllowed:
        messages.error(request, NOT_YOURS)
    else:
        messages.success(request, "The persona is deleted. Its conversations stay.")
    return redirect(_back(request))


def _use_by_default(request: HttpRequest, wanted: PersonaState) -> HttpResponse:
    user = user_of(request)
    now = _preference(user)
    try:
        choose(user.pk, persona_id=wanted.id, temperature=now.temperature, use_documents=now.use_documents)
    except NotThere:
        messages.error(request, GONE)
    else:
        messages.success(request, f"New conversations begin with “{wanted.name}”.")
    return redirect(_back(request))


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the list has to show: the context of its panel, and the refusal of a search."""

    context: dict[str, Any]
    status: int = 200
    refusal: Decision | None = None


def _list(
    request: HttpRequest,
    *,
    form: PersonaForm | None = None,
    preference: PreferenceForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = user_of(request)
    now = _preference(user)
    found = _found(request, user, now)
    context = {
        **found.context,
        "form": form or PersonaForm(),
        "preference": preference or _preference_form(user, now),
        "kept": _kept(request.GET).urlencode(),
        "filtered": any(request.GET.get(name) for name in FILTERS),
    }
    response = show(request, "personas", "personas", context)
    response.status_code = status if status != 200 else found.status
    return response if found.refusal is None else refused(response, found.refusal)


def _found(request: HttpRequest, user: User, preference: PreferenceState) -> Found:
    """The page of the list that the address asks for. Searches are limited as those of the API, lists are not."""
    if request.method != "POST" and request.GET.get("q"):
        decision = take(request, "search")
        if not decision.allowed:
            return Found(context={"trouble": too_many(decision, "searches")}, refusal=decision)
    try:
        query = ListQuery.parse(PersonaFilter, request.GET)
    except BadQuery as error:
        return Found(
            context={"trouble": " ".join(sentence(text) for texts in error.errors.values() for text in texts)},
            status=400,
        )
    try:
        found = read_personas(user, query, caller=f"user:{user.pk}")
    except BudgetExceeded as error:
        return Found(context={"trouble": too_varied(error)}, status=429)
    assert found.value is not None, "an empty list is a value"
    now = datetime.now(UTC)
    return Found(
        context={
            "rows": [persona_row(each, user, default=preference.persona_id, now=now) for each in found.value.items],
            "total": found.value.total,
            "pager": pager(_kept(request.GET), page=query.page, total=found.value.total),
            "cached": found.cached,
            "source": source(found),
        }
    )


def _page(
    request: HttpRequest, found: PersonaState, *, form: PersonaForm | None = None, status: int = 200
) -> HttpResponse:
    user = user_of(request)
    row = persona_row(found, user, default=_preference(user).persona_id, now=datetime.now(UTC))
    context: dict[str, Any] = {"persona": row}
    if row.may_change:
        context["form"] = form or PersonaForm(initial={name: getattr(found, name) for name in VERSIONED})
    response = show(request, "personas", "persona", context)
    response.status_code = status
    return response


def _seen(request: HttpRequest, persona_id: int) -> PersonaState:
    """The persona of the address. Raises Http404 where one may not see it."""
    found = read_persona(persona_id).value
    if found is None or not visible_to(found, user_of(request)):
        raise Http404
    return found


def _preference(user: User) -> PreferenceState:
    found = read_preference(user.pk).value
    assert found is not None, "there are defaults"
    return found


def _preference_form(user: User, now: PreferenceState, given: QueryDict | None = None) -> PreferenceForm:
    initial = {"persona_id": now.persona_id, "temperature": now.temperature, "use_documents": now.use_documents}
    groups = persona_choices(user, chosen=now.persona_id)
    return PreferenceForm(given, initial=initial, groups=groups, temperature=now.temperature, auto_id="id_wanted_%s")


def _kept(given: QueryDict) -> QueryDict:
    kept = QueryDict(mutable=True)
    for name in KEPT:
        if value := given.get(name):
            kept[name] = value
    return kept


def _back(request: HttpRequest) -> str:
    """The list as it was when the form was sent."""
    query = _kept(QueryDict(request.POST.get("back", ""))).urlencode()
    return reverse("assistant:personas") + (f"?{query}" if query else "")
