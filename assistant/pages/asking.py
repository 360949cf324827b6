"""What the chat page's forms do. Each ends in a redirect, or in a Draft: what was typed, for the page to show again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import User
from accounts.pages.frame import user_of
from assistant.chatting import Asked, ask, reply
from assistant.conversations import delete_conversation, history
from assistant.exceptions import NotThere, QuotaUsedUp
from assistant.models import Conversation
from assistant.pages.limits import take, too_many
from assistant.pages.wording import failure_words
from assistant.places import places
from assistant.preferences import read_preference
from assistant.rest.chat import QuestionFields
from assistant.rest.streams import problem_of
from cache_platform.exceptions import InvalidQuery, LoadRefused, LoadShed, SourceError

GONE = "The conversation was deleted meanwhile."


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A question that was not asked: what was typed and chosen, and what is wrong. `problem` is about the question,
    `persona_problem` about the persona. `retry_after` is in seconds, 0 where waiting does not help."""

    text: str = ""
    persona: str = ""
    problem: str = ""
    persona_problem: str = ""
    status: int = 200
    retry_after: int = 0


Outcome = HttpResponse | Draft


def act(request: HttpRequest, before: Conversation | None) -> Outcome:
    """Do what the form's `do` says, in the conversation `before`, or in a new one."""
    action = ACTIONS.get(request.POST.get("do", ""))
    if action is None:
        messages.error(request, "The form was not understood. Nothing was changed.")
        return redirect(_address(before))
    return action(request, before)


def documents_wish(request: HttpRequest) -> bool | None:
    """Whether the person wants documents used, as the form sent, or as the address says after a form; None for no
    wish."""
    if request.method == "POST":
        return request.POST.get("documents") == "1"
    return {"0": False, "1": True}.get(request.GET.get("documents", ""))


def _ask(request: HttpRequest, before: Conversation | None) -> Outcome:
    text, persona = request.POST.get("message", ""), request.POST.get("persona", "")
    text = text.replace("\r\n", "\n")  # as forms send line ends
    decision = take(request, "chat")
    if not decision.allowed:
        problem = too_many(decision, "questions")
        seconds = decision.retry_after_seconds
        return Draft(text=text, persona=persona, problem=problem, status=429, retry_after=seconds)
    given = {"message": text, "documents": documents_wish(request)}
    number = int(persona) if persona.isascii() and persona.isdecimal() and len(persona) <= 19 else persona
    fields = QuestionFields(data=given | ({"persona_id": number} if persona and before is None else {}))
    if not fields.is_valid():
        return _wrong(text, persona, {name: str(texts[0]) for name, texts in fields.errors.items()})
    valid = fields.validated_data
    outcome = _answered(request, before, message=valid["message"], persona_id=valid["persona_id"])
    return replace(outcome, text=text, persona=persona) if isinstance(outcome, Draft) else outcome


def _again(request: HttpRequest, before: Conversation | None) -> Outcome:
    """The conversation's last question once more, if it waits for an answer."""
    if before is None:
        raise Http404
    last = history(before.pk, last=1)
    if not last or last[0].role != "user":
        return redirect(f"{_address(before)}#last")
    decision = take(request, "chat")
    if not decision.allowed:
        problem = too_many(decision, "questions")
        return Draft(problem=problem, status=429, retry_after=decision.retry_after_seconds)
    return _answered(request, before, message=last[0].content, persona_id=None)


def _delete(request: HttpRequest, before: Conversation | None) -> Outcome:
    if before is None:
        raise Http404
    try:
        delete_conversation(user_of(request).pk, before.pk)
    except NotThere:
        messages.info(request, GONE)
    else:
        messages.success(request, "The conversation is deleted.")
    return redirect("assistant:chat")


def _answered(
    request: HttpRequest, before: Conversation | None, *, message: str, persona_id: int | None
) -> HttpResponse | Draft:
    """To the conversation, which has the answer then, or says why not."""
    try:
        place = places.take(user_of(request).pk)
    except LoadShed as error:
        seconds = int(problem_of(error)["retry_after"])
        return Draft(problem=failure_words(error, retry_after=seconds), status=503, retry_after=seconds)
    try:
        asked = ask(
            user_of(request),
            message=message,
            persona_id=persona_id,
            conversation_id=None if before is None else before.pk,
            with_documents=documents_wish(request),
        )
        return _waited(request, asked)
    except QuotaUsedUp as error:
        return Draft(problem=error.detail, status=409)
    except (InvalidQuery, NotThere):
        if before is None:
            return Draft(persona_problem="That persona cannot be used any more. Choose another one.", status=400)
        return _gone(request)
    finally:
        place.let_go()


def _waited(request: HttpRequest, asked: Asked) -> HttpResponse:
    try:
        reply(asked)
    except (SourceError, LoadRefused) as error:
        seconds = int(problem_of(error).get("retry_after", 0))
        messages.error(request, failure_words(error, retry_after=seconds))
    except NotThere:
        return _gone(request)
    wish = _query(user_of(request), wish=documents_wish(request))
    return redirect(f"{_address(asked.conversation)}{wish}#last")


def _gone(request: HttpRequest) -> HttpResponse:
    messages.error(request, GONE)
    return redirect("assistant:chat")


def _wrong(text: str, persona: str, errors: dict[str, str]) -> Draft:
    """What the fields refused."""
    persona_problem = "Choose one of these." if "persona_id" in errors else ""
    return Draft(
        text=text,
        persona=persona,
        problem=errors.get("message", ""),
        persona_problem=persona_problem,
        status=400,
    )


def _query(user: User, *, wish: bool | None) -> str:
    """What the address says of the wish, so that it lasts from question to question; nothing for the usual one."""
    preference = read_preference(user.pk).value
    usual = preference is None or wish is None or wish == preference.use_documents
    return "" if usual else f"?documents={int(bool(wish))}"


def _address(conversation: Conversation | None) -> str:
    if conversation is None:
        return reverse("assistant:chat")
    return reverse("assistant:conversation", args=[conversation.pk])


ACTIONS: dict[str, Callable[[HttpRequest, Conversation | None], Outcome]] = {
    "ask": _ask,
    "again": _again,
    "delete": _delete,
}
