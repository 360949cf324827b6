"""OpenAI-compatible chat completions: `POST /v1/chat/completions`, whole or as a stream.

Wire format: https://platform.openai.com/docs/api-reference/chat. Any key is good but `invalid` (401). The answer
depends on the messages alone; a token is taken for four letters.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from sandbox import delays
from sandbox.noise import unit
from sandbox.providers import Provider, provided_by
from sandbox.replies import Endless, html_reply, json_reply

STREAM_TYPE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]"
FIRST_SHARE = 0.3
"""Of the service's delay, what passes before the first byte of a stream."""
RETRY_AFTER = "20"
ROLES = {"system", "developer", "user", "assistant"}
LETTERS_A_TOKEN = 4
FRAMING_TOKENS = 4
"""What each message costs beside its text."""
LONGEST_TOPIC = 24
OPENINGS = (
    "Let me take {topic} one step at a time.",
    "There are three things to say about {topic}.",
    "A short answer on {topic} first, then the reasons.",
    "{topic} is easier than it looks.",
)
SENTENCES = (
    "Begin with what you can measure, and write the numbers down.",
    "What changes rarely can be kept; what changes often should be asked for again.",
    "If two people need the same thing at once, one of them may do the work for both.",
    "Leave out every part that nobody would miss.",
    "A test that cannot fail tells you nothing.",
    "The last step is to read it once more, slowly, as somebody else would.",
    "Most of the time goes where nobody looked.",
    "Do the smallest version first and let it run for a day.",
)


class ChatRequestError(ValueError):
    """The request cannot be answered: the message, the parameter that is wrong, and the HTTP status."""

    def __init__(self, message: str, *, param: str | None = None, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.status = status
        self.code = code


def refused(message: str, *, kind: str, status: int, param: str | None = None, code: str | None = None) -> HttpResponse:
    """Return an error in OpenAI's form."""
    return json_reply({"error": {"message": message, "type": kind, "param": param, "code": code}}, status=status)


async def _send(answer: HttpResponse, late: float) -> HttpResponseBase:
    """Send an answer in the rest of the delay and `late` seconds more: a stream's parts spread over that time."""
    seconds = delays.seconds_for("chat") * (1 - FIRST_SHARE) + late
    if answer["Content-Type"] != STREAM_TYPE:
        await asyncio.sleep(seconds)
        return answer
    return StreamingHttpResponse(_paced(answer.content, seconds), content_type=STREAM_TYPE)


async def _paced(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    events = re.findall(rb".+?\n\n|.+\Z", body, re.DOTALL)
    for event in events:
        yield event
        await asyncio.sleep(seconds / len(events))


def _rate_limited() -> HttpResponse:
    message = "Rate limit reached for requests. Please try again in 20s."
    response = refused(message, kind="requests", status=429, code="rate_limit_exceeded")
    response["Retry-After"] = RETRY_AFTER
    return response


CHAT = Provider(
    service="chat",
    broken=lambda: refused("The server had an error while processing your request.", kind="server_error", status=500),
    rate_limited=_rate_limited,
    huge=Endless(
        head='{"id":"chatcmpl-again","object":"chat.completion","created":1757314800,"model":"sandbox","choices":'
        '[{"index":0,"message":{"role":"assistant","content":"again',
        item=" and again",
        tail='"},"finish_reason":"stop"}]}',
    ),
    malformed=html_reply,
    send=_send,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A request, checked."""

    model: str
    messages: list[dict[str, str]]
    stream: bool
    with_usage: bool
    most_tokens: int | None


@provided_by(CHAT, pace=FIRST_SHARE, methods=("POST",))
async def completions(request: HttpRequest) -> HttpResponse:
    """Return the answer to the messages, as one object or as a stream of events."""
    try:
        _check_key(request.headers.get("Authorization", ""))
        question = _parsed(request.body)
    except ChatRequestError as error:
        kind = "invalid_request_error"
        return refused(error.message, kind=kind, status=error.status, param=error.param, code=error.code)
    text, finish = _answer(question)
    usage = _usage(question, text)
    about = {
        "id": "chatcmpl-" + _digest(question),
        "created": int(time.time()),
        "model": question.model,
    }
    if question.stream:
        return HttpResponse(_events(question, about, text, finish, usage), content_type=STREAM_TYPE)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return json_reply({**about, "object": "chat.completion", "choices": [choice], "usage": usage})


def _check_key(header: str) -> None:
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise ChatRequestError("You didn't provide an API key.", status=401)
    if key.strip() == "invalid":
        raise ChatRequestError("Incorrect API key provided: invalid.", status=401, code="invalid_api_key")


def _parsed(body: bytes) -> Question:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise ChatRequestError("We could not parse the JSON body of your request.") from None
    if not isinstance(given, dict):
        raise ChatRequestError("We could not parse the JSON body of your request.")
    if not _is_text(given.get("model")) or not given["model"]:
        raise ChatRequestError("You must provide a model parameter.", param="model")
    temperature = given.get("temperature", 1)
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        raise ChatRequestError("'temperature' must be a number from 0 to 2.", param="temperature")
    most = given.get("max_completion_tokens", given.get("max_tokens"))
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        raise ChatRequestError("'max_tokens' must be a whole number of at least 1.", param="max_tokens")
    options = given.get("stream_options")
    return Question(
        model=given["model"],
        messages=_messages(given.get("messages")),
        stream=given.get("stream") is True,
        with_usage=isinstance(options, dict) and options.get("include_usage") is True,
        most_tokens=most,
    )


def _messages(given: object) -> list[dict[str, str]]:
    if not isinstance(given, list) or not given:
        raise ChatRequestError("'messages' must be an array that is not empty.", param="messages")
    for number, message in enumerate(given):
        if not isinstance(message, dict) or not _is_role(message.get("role")):
            raise ChatRequestError(f"'messages[{number}].role' is not valid.", param=f"messages[{number}].role")
        if not _is_text(message.get("content")):
            raise ChatRequestError(f"'messages[{number}].content' must be a string.", param=f"messages[{number}]")
    return given


def _is_role(given: object) -> bool:
    return isinstance(given, str) and given in ROLES


def _is_text(given: object) -> bool:
    """Whether it is text that can be sent back: JSON can also carry halves of letters."""
    return isinstance(given, str) and not any("\ud800" <= letter <= "\udfff" for letter in given)


def _answer(question: Question) -> tuple[str, str]:
    """The text, and why it ends."""
    seed = _digest(question)
    asked = [message["content"] for message in question.messages if message["role"] == "user"]
    words = re.findall(r"[^\W\d_]+", asked[-1]) if asked else []
    topic = max(reversed(words), key=len, default="this")[:LONGEST_TOPIC]
    opening = OPENINGS[int(unit(seed, "opening") * len(OPENINGS))].format(topic=topic)
    ranked = sorted(SENTENCES, key=lambda sentence: unit(seed, sentence))
    text = " ".join([opening[0].upper() + opening[1:], *ranked[: 3 + int(unit(seed, "length") * 4)]])
    if question.most_tokens is not None and question.most_tokens < _tokens(text):
        return text[: question.most_tokens * LETTERS_A_TOKEN], "length"
    return text, "stop"


def _digest(question: Question) -> str:
    said = json.dumps([[message["role"], message["content"]] for message in question.messages])
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()


def _tokens(text: str) -> int:
    return -(-len(text) // LETTERS_A_TOKEN)


def _usage(question: Question, text: str) -> dict[str, int]:
    prompt = sum(_tokens(message["content"]) + FRAMING_TOKENS for message in question.messages)
    completion = _tokens(text)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _events(question: Question, about: dict[str, Any], text: str, finish: str, usage: dict[str, int]) -> bytes:
    """The whole stream: the role, the text word by word, the reason for its end, the usage if asked for, [DONE]."""
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": piece}, None) for piece in re.findall(r"\S+\s*", text)]
    deltas.append(({}, finish))
    chunk = {**about, "object": "chat.completion.chunk"}
    none = {"usage": None} if question.with_usage else {}
    chunks = [
        {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **none}
        for delta, reason in deltas
    ]
    if question.with_usage:
        chunks.append({**chunk, "choices": [], "usage": usage})
    events = [b"data: " + json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode() for each in chunks]
    return b"".join(event + b"\n\n" for event in [*events, DONE])
