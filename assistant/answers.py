"""Answers of the language model, through the cache: the same question is paid for once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from django.conf import settings
from django.db import connections

from assistant import llm
from assistant.llm import ChatMessage
from assistant.prices import micro_usd
from cache_platform import CachePolicy, Read, read, register
from cache_platform.statistics import counters

OnDelta = Callable[[str], None]

SHARED = 0
"""In the place of a user's number: whoever asks."""
NO_PERSONA = 0


class AnswerState(msgspec.Struct, frozen=True, kw_only=True):
    """An answer and the tokens that it took. `complete` is false when the model stopped before its end."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    complete: bool


ANSWER = register(
    CachePolicy(
        name="assistant.answer",
        description="An answer of the language model, under an HMAC of what it was asked.",
        schema=AnswerState,
        params={"user_id": int, "persona_id": int, "prompt": str},
        secret_params=frozenset({"prompt"}),
        tags=("user:{user_id}", "persona:{persona_id}"),
        ttl=3600,
        hard_timeout=settings.LLM_TIMEOUT,
        until=lambda answer: math.inf if answer.complete else 0.0,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the model is asked. `private_to` is whose answer it is: SHARED only when nothing in it is anybody's own."""

    messages: tuple[ChatMessage, ...]
    temperature: float
    persona_id: int = NO_PERSONA
    persona_version: int = 0
    private_to: int

    def text(self) -> str:
        """All that the answer depends on, in one form for equal prompts."""
        said = [(message.role, message.content) for message in self.messages]
        model = (settings.LLM_MODEL, settings.LLM_MAX_TOKENS)
        whole = (*model, self.persona_id, self.persona_version, float(self.temperature), said)
        return msgspec.json.encode(whole).decode()


def read_answer(prompt: Prompt, *, on_delta: OnDelta | None = None) -> Read[AnswerState]:
    """The answer to `prompt`. When this call is the one that asks the model, `on_delta` gets the parts as they come;
    who gets it from the cache, or waits for another's, gets it whole. Raises SourceError and LoadRefused.

    The tokens and the money that the model was not paid are counted, as `tokens_saved` and `micro_usd_saved`.
    """

    def load(**_params: object) -> AnswerState:
        let_go_of_connections()
        return _asked(prompt, on_delta)

    let_go_of_connections()
    params = {"user_id": prompt.private_to, "persona_id": prompt.persona_id, "prompt": prompt.text()}
    found = read(ANSWER, params, load)
    assert found.value is not None, "the loader gives an answer or raises"
    if not paid(found):
        counters.add(ANSWER.name, _savings(found.value))
    return found


def paid(found: Read[AnswerState]) -> bool:
    """Whether the model was asked for this one answer, rather than for an earlier one or for another who asked."""
    return not found.cached and found.source != "wait"


def _asked(prompt: Prompt, on_delta: OnDelta | None) -> AnswerState:
    if on_delta is None:
        completion = llm.complete(prompt.messages, temperature=prompt.temperature)
    else:
        completion = llm.stream(prompt.messages, temperature=prompt.temperature, on_delta=on_delta)
    return AnswerState(
        text=completion.text,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        complete=completion.complete,
    )


def _savings(answer: AnswerState) -> dict[str, int]:
    tokens = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens}
    return {"tokens_saved": sum(tokens.values()), "micro_usd_saved": micro_usd(**tokens)}


def let_go_of_connections() -> None:
    """Give this thread's connections back: a model takes its time, and the database's pool is small."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
