"""What people ask, what personas are told and the key of the model: where they may be, and where not."""

from __future__ import annotations

import pytest
import redis
import zstandard

from tests.integration.chat.conftest import ChatSite
from tests.integration.chat.people import people, persona
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest

KEY = "sk-of-the-model-7f3a91c2"
QUESTION = "supersecretquestion about bridges"
SYSTEM = "supersecretsystemprompt"
DOCUMENT = "supersecretdocument"
ZSTANDARD = bytes.fromhex("28b52ffd")


def everything_in(client: redis.Redis) -> dict[str, bytes]:
    """All keys with all that they hold, compressed values expanded."""
    found = {}
    for key in client.scan_iter():
        kind = client.type(key)
        if kind == b"string":
            value = client.get(key) or b""
        elif kind == b"hash":
            value = repr(client.hgetall(key)).encode()
        elif kind == b"zset":
            value = repr(client.zrange(key, 0, -1)).encode()
        elif kind == b"list":
            value = repr(client.lrange(key, 0, -1)).encode()
        else:
            raise AssertionError(f"{key!r} is a {kind!r}, which this test does not look into")
        start = value.find(ZSTANDARD)
        if start >= 0:
            value += zstandard.ZstdDecompressor().decompressobj().decompress(value[start:])
        found[key.decode()] = value
    return found


@pytest.mark.parametrize("mode", ["off", "error", "malformed", "cut"])
def test_prompts_and_the_key_stay_where_they_belong(
    chat_site: ChatSite, sandbox: SandboxUnderTest, redis_server: RedisUnderTest, mode: str
) -> None:
    """Redis has answers under HMACs, and of a persona its own entry; the log has nothing, at every level; no answer to
    a client has the key."""
    running = chat_site(workers=1, LLM_API_KEY=KEY, LOG_LEVEL="DEBUG")
    (person,) = people(running, 1)
    own = persona(SYSTEM, of=person)
    with_document = {"documents": True, "persona_id": own.pk}
    running.client.post(
        "/api/documents",
        json={"name": "a.txt", "text": DOCUMENT},
        headers={"Authorization": f"Bearer {person.access}"},
    ).raise_for_status()
    sandbox.fault(service="chat", mode=mode)
    shown = [person.ask(QUESTION).text, person.ask(QUESTION).text, person.ask(QUESTION, **with_document).text]
    shown.append(str(person.streamed(QUESTION, **with_document)))
    assert (mode == "off") == ("message_id" in shown[0])
    with redis_server.client() as client:
        kept = everything_in(client)
    assert any(key.startswith("cp:assistant.answer:user_id=0,persona_id=0,prompt=!") for key in kept) == (mode == "off")
    for secret in (KEY, QUESTION, SYSTEM, DOCUMENT):
        where = {key.split(":")[1] for key, value in kept.items() if secret in key or secret.encode() in value}
        assert where <= ({"assistant.persona"} if secret == SYSTEM else set())
        assert not [line for line in running.lines if secret in line]
        assert not [text for text in shown if secret in text]
