"""The chat, in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from accounts.models import User
from accounts.pages.frame import account_page, user_of
from accounts.pages.wording import source
from assistant.chatting import LONGEST_MESSAGE
from assistant.conversations import own_conversation
from assistant.exceptions import NotThere
from assistant.models import Conversation
from assistant.pages import asking
from assistant.pages.asking import Draft
from assistant.pages.choices import Group, persona_choices
from assistant.pages.frame import show
from assistant.pages.talk import NOBODY, UNTITLED, Talk, talk, talk_list, who_answers
from assistant.pages.wording import documents_words, totals_words
from assistant.preferences import read_preference
from assistant.schema import PreferenceState, Stats
from assistant.stats import read_stats


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Where a question is written. `chosen` is the number of the persona that is preselected; without a default of the
    user's own there is the choice of none."""

    draft: Draft
    choices: tuple[Group, ...]
    chosen: int | None
    has_default: bool
    documents: str
    use_documents: bool
    documents_by_default: bool
    longest: int = LONGEST_MESSAGE


@account_page
def chat(request: HttpRequest, conversation_id: int | None = None) -> HttpResponse:
    """A conversation, or the beginning of one, with the list of all beside it. A form says by `do` what it wants done
    (assistant.pages.asking)."""
    user = user_of(request)
    before = _own(user, conversation_id)
    if request.method != "POST":
        return _page(request, user, before, Draft())
    outcome = asking.act(request, before)
    if isinstance(outcome, Draft):
        response = _page(request, user, before, outcome)
        response.status_code = outcome.status
        if outcome.retry_after:
            response["Retry-After"] = str(outcome.retry_after)
        return response
    return outcome


def _own(user: User, conversation_id: int | None) -> Conversation | None:
    try:
        return None if conversation_id is None else own_conversation(user.pk, conversation_id)
    except NotThere:
        raise Http404 from None


def _page(request: HttpRequest, user: User, before: Conversation | None, draft: Draft) -> HttpResponse:
    now, number = datetime.now(UTC), None if before is None else before.pk
    talks = talk_list(user, page=request.GET.get("older", "1"), present=number, now=now)
    said: Talk | None = None
    persona = who_answers(before.persona_id if before else None, user)
    who = persona or NOBODY
    if number is not None:
        said = talk(user, number, page=request.GET.get("earlier", "1"), who=who, now=now)
    preference, stats = read_preference(user.pk).value, read_stats(user.pk).value
    assert preference is not None, "there are defaults"
    assert stats is not None, "numbers are always there"
    shown = said.found if said else talks.found
    context: dict[str, Any] = {
        "talks": talks,
        "conversation": before,
        "title": (before.title or UNTITLED) if before else "New conversation",
        "persona": persona,
        "talk": said,
        "composer": _composer(request, user, before, draft, preference, stats),
        "totals": totals_words(stats),
        "source": source(shown),
        "source_cached": shown.cached,
        "blank_own": {"own": True, "who": "You"},
        "blank_answer": {"own": False, "who": who, "complete": True},
    }
    return show(request, "chat", "chat", context)


def _composer(
    request: HttpRequest,
    user: User,
    before: Conversation | None,
    draft: Draft,
    preference: PreferenceState,
    stats: Stats,
) -> Composer:
    offered = persona_choices(user) if before is None else ()
    numbers = {persona.id for _, personas in offered for persona in personas}
    default = preference.persona_id if preference.persona_id in numbers else None
    wished = draft.persona or request.GET.get("persona", "")
    chosen = next((number for number in numbers if str(number) == wished), default)
    wish = asking.documents_wish(request)
    return Composer(
        draft=draft,
        choices=offered,
        chosen=chosen,
        has_default=default is not None,
        documents=documents_words(stats.documents) if stats.documents else "",
        use_documents=preference.use_documents if wish is None else wish,
        documents_by_default=preference.use_documents,
    )
