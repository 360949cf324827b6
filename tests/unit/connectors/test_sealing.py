"""Sealed texts: only the right key, purpose and owner open them, and none is like another."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from connectors.sealing import Unreadable, seal, sealed_anew, unseal
from connectors.tokens import Tokens, opened, sealed

SECRET = b"a-secret-\x00\xff"
KEYS = [Fernet.generate_key().decode() for _ in range(3)]


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    """One key."""
    settings.TOKEN_KEYS = KEYS[0]


def test_what_was_sealed_comes_back() -> None:
    """Any bytes; twice the same gives two texts, so that equal tokens are not seen to be equal."""
    texts = {seal("tokens", "7:x", SECRET) for _ in range(2)}
    assert len(texts) == 2
    assert [unseal("tokens", "7:x", text) for text in texts] == [SECRET] * 2
    assert not [text for text in texts if "a-secret" in text]


@pytest.mark.parametrize(("purpose", "owner"), [("verifier", "7:x"), ("tokens", "8:x"), ("tokens", "7:y"), ("", "")])
def test_other_purpose_or_owner_opens_nothing(purpose: str, owner: str) -> None:
    """The key alone is not enough."""
    with pytest.raises(Unreadable) as caught:
        unseal(purpose, owner, seal("tokens", "7:x", SECRET))
    assert "a-secret" not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("text", ["", "x", "schlüssel", "\ud800", "gAAAA", "=" * 100, "a" * 10_000, "\x00"])
def test_what_was_never_sealed_is_unreadable(text: str) -> None:
    """Whatever stands in the column, one error."""
    with pytest.raises(Unreadable):
        unseal("tokens", "7:x", text)
    with pytest.raises(Unreadable):
        sealed_anew(text)


@pytest.mark.parametrize("content", [b"", b"x", b"\x93\xa6tokens\xa37:x", b"\x93\x01\x02\x03", b"\xc1"])
def test_what_the_key_sealed_for_something_else_is_unreadable(content: bytes) -> None:
    """Also bytes that are no envelope."""
    with pytest.raises(Unreadable):
        unseal("tokens", "7:x", Fernet(KEYS[0]).encrypt(content).decode())


def test_changed_text_is_unreadable() -> None:
    """Each letter counts."""
    text = seal("tokens", "7:x", SECRET)
    for at in range(0, len(text) - 3, 7):
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        with pytest.raises(Unreadable):
            unseal("tokens", "7:x", changed)


def test_newest_key_seals_and_all_keys_open(settings: Any) -> None:
    """Keys are read at call time, with or without spaces around them."""
    old = seal("tokens", "7:x", SECRET)
    settings.TOKEN_KEYS = f"{KEYS[1]} , {KEYS[0]}"
    new = seal("tokens", "7:x", SECRET)
    anew = sealed_anew(old)
    assert [unseal("tokens", "7:x", text) for text in (old, new, anew)] == [SECRET] * 3
    settings.TOKEN_KEYS = KEYS[1]
    assert [unseal("tokens", "7:x", text) for text in (new, anew)] == [SECRET] * 2
    with pytest.raises(Unreadable):
        unseal("tokens", "7:x", old)
    settings.TOKEN_KEYS = KEYS[2]
    with pytest.raises(Unreadable):
        sealed_anew(new)


def test_tokens_belong_to_a_user_and_a_platform() -> None:
    """Not to another user's connection with it, nor to the same user's with another."""
    tokens = Tokens("the-access", "")
    text = sealed(tokens, user_id=7, provider="x")
    assert opened(text, user_id=7, provider="x") == tokens
    for user_id, provider in ((8, "x"), (7, "y"), (7, "")):
        with pytest.raises(Unreadable):
            opened(text, user_id=user_id, provider=provider)


def test_tokens_hide_themselves() -> None:
    """In whatever they are printed into."""
    assert repr(Tokens("the-access", "the-refresh")) == "Tokens()"
    assert "the-" not in f"{[Tokens('the-access', 'the-refresh')]}"
