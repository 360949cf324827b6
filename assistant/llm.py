"""A language model behind OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat), which many
other servers speak too: what answers are made by.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from django.conf import settings
from msgspec import Meta

from assistant.event_stream import data_of
from cache_platform.deadlines import Deadline
from cache_platform.exceptions import SourceMalformed, SourceRefused, SourceUnavailable
from cache_platform.sources import Ask, JsonSource, SourceLimits

T = TypeVar("T")

NAME = "language model"
PUBLIC_URL = "https://api.openai.com/v1"
SANDBOX_KEY = "sandbox"
PATH = "/chat/completions"
DONE = b"[DONE]"
LONGEST_TEXT = 100_000
"""Letters of an answer; a model that says more has lost its way."""
CODE = re.compile(r"[a-z0-9_]{1,60}")

MOST_TOKENS = 100_000_000
"""That an answer can have taken; what is told above that is a mistake."""


NO_ANSWER = "The model has no answer to this. Ask it differently."


class NoAnswer(SourceRefused):
    """The model works, and has nothing to say to this prompt, or no end: what one person asks must not make it count as
    away for everybody."""


class ChatMessage(msgspec.Struct, frozen=True):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """An answer and what it took, 0 where the model does not say. `complete` is false when it stopped before its end,
    as for its limit of tokens."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    complete: bool


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


NO_USAGE = msgspec.Raw(b"null")


class _Said(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Said
    finish_reason: str | None = None


class _Whole(msgspec.Struct):
    choices: Annotated[list[_Choice], Meta(min_length=1)]
    usage: msgspec.Raw = NO_USAGE


class _Difference(msgspec.Struct):
    delta: _Said = msgspec.field(default_factory=_Said)
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Difference] = []
    usage: msgspec.Raw = NO_USAGE
    error: Any = None


class _Error(msgspec.Struct):
    code: str | None = None
    type: str | None = None


class _Refusal(msgspec.Struct):
    error: _Error


def base_url() -> str:
    """LLM_BASE_URL, else the sandbox, else OpenAI."""
    if settings.LLM_BASE_URL:
        return str(settings.LLM_BASE_URL)
    return f"{str(settings.SANDBOX_URL).rstrip('/')}/v1" if settings.PROVIDERS == "sandbox" else PUBLIC_URL


def _explain(body: bytes) -> str:
    """The code of a refusal, never its message: that may repeat a part of the key or of the prompt."""
    error = msgspec.json.decode(body, type=_Refusal).error
    code = error.code or error.type or ""
    return code if CODE.fullmatch(code) else ""


source = JsonSource(
    NAME,
    base_url,
    explain=_explain,
    limits=SourceLimits(
        connect_timeout=3.0,
        total_timeout=30.0,
        max_bytes=4_000_000,
        idle_connections=8,
        longest_pause=30.0,  # what it says to one person's prompt need not be meant for all
    ),
)


def complete(messages: Sequence[ChatMessage], *, temperature: float) -> Completion:
    """The model's answer to `messages`. Raises SourceError, NoAnswer among them, within LLM_TIMEOUT seconds."""
    with source.judged():
        answer = source.exchange(_ask(messages, temperature), deadline=_deadline(), part=True)
        whole = source.decoded(answer.body, _Whole)
        choice = whole.choices[0]
        return _completion(choice.message.content or "", choice.finish_reason, _usage_in(whole.usage))


def stream(messages: Sequence[ChatMessage], *, temperature: float, on_delta: Callable[[str], None]) -> Completion:
    """The model's answer to `messages`, each part of which `on_delta` gets as it comes. Raises SourceError, within
    LLM_TIMEOUT seconds; of a stream that ends before its end SourceMalformed, whatever has come of it."""

    def taken(pieces: Iterator[bytes]) -> Completion:
        parts = _Parts(on_delta)
        for data in data_of(pieces):
            if data == DONE:
                return _completion("".join(parts.texts), parts.finish_reason, parts.usage)
            parts.add(source.decoded(data, _Chunk))
        raise SourceMalformed(NAME, "the stream was cut off")

    return source.receive(_ask(messages, temperature, streamed=True), taken, deadline=_deadline())


class _Parts:
    """What has come of a stream."""

    def __init__(self, on_delta: Callable[[str], None]) -> None:
        self.texts: list[str] = []
        self.finish_reason: str | None = None
        self.usage = _Usage()
        self._on_delta = on_delta
        self._length = 0

    def add(self, chunk: _Chunk) -> None:
        """The next part. Raises NoAnswer when it gets too long, and SourceUnavailable for an error in the stream."""
        if chunk.error is not None:
            raise SourceUnavailable(NAME, "the stream ended with an error")
        self.usage = self.usage if chunk.usage == NO_USAGE else _usage_in(chunk.usage)
        for choice in chunk.choices[:1]:
            self.finish_reason = choice.finish_reason or self.finish_reason
            text = _storable(choice.delta.content or "")
            self._length += len(text)
            _check_length(self._length)
            if text:
                self.texts.append(text)
                self._on_delta(text)


def _completion(text: str, finish_reason: str | None, usage: _Usage) -> Completion:
    text = _storable(text)
    if finish_reason is None:
        raise SourceMalformed(NAME, "the answer has no end")
    _check_length(len(text))
    if not text.strip():
        raise NoAnswer(NAME, "the answer is empty")
    return Completion(
        text=text,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        complete=finish_reason == "stop",
    )


def _usage_in(told: msgspec.Raw) -> _Usage:
    """What the answer took. What is told wrongly is 0: nobody shall lose an answer by its bill."""
    try:
        given = msgspec.json.decode(told, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Usage()
    return _Usage(**{name: _tokens(given.get(name)) for name in _Usage.__struct_fields__})


def _tokens(told: object) -> int:
    number = told if isinstance(told, int | float) and not isinstance(told, bool) else 0
    return int(min(max(number, 0), MOST_TOKENS))


def _storable(text: str) -> str:
    return text.replace("\0", "")  # which PostgreSQL does not take


def _check_length(length: int) -> None:
    if length > LONGEST_TEXT:
        raise NoAnswer(NAME, f"the answer is longer than {LONGEST_TEXT} letters")


def _ask(messages: Sequence[ChatMessage], temperature: float, *, streamed: bool = False) -> Ask:
    body: dict[str, Any] = {
        "model": settings.LLM_MODEL,
        "messages": msgspec.to_builtins(messages),
        "temperature": temperature,
        "max_completion_tokens": settings.LLM_MAX_TOKENS,
    }
    if streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    key = settings.LLM_API_KEY or (SANDBOX_KEY if settings.PROVIDERS == "sandbox" else None)
    headers = {"Accept": "text/event-stream" if streamed else "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return Ask(PATH, method="POST", headers=headers, json=body)


def _deadline() -> Deadline:
    return Deadline.after(settings.LLM_TIMEOUT)
