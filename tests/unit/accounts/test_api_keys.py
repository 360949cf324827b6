"""The text of API keys, and whose they are."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
import zlib
from typing import Any

import pytest

from accounts.key_text import ALPHABET, new_key, parse_key
from accounts.owners import Owner, Owners

KEY = re.compile(r"cpk_[0-9A-Za-z]{10}_[0-9A-Za-z]{48}")


def test_a_new_key_is_recognised() -> None:
    """What was made here is known again, by the same prefix and digest."""
    made = new_key()
    assert KEY.fullmatch(made.text)
    assert parse_key(made.text) == made.known
    assert made.text.startswith(made.known.prefix + "_")


def test_no_two_keys_are_alike() -> None:
    """Prefix, secret and digest are random."""
    made = [new_key() for _ in range(50)]
    assert len({key.text for key in made}) == len({key.known.prefix for key in made}) == 50
    assert len({key.known.digest for key in made}) == 50


def test_a_key_is_not_in_its_own_repr() -> None:
    """Logs and error pages show reprs."""
    made = new_key()
    assert made.text not in repr(made)
    assert made.text.rpartition("_")[2] not in repr(made)


@pytest.mark.parametrize("position", [0, 4, 13, 15, 30, 54, 55, 62])
def test_any_other_character_makes_it_garbage(position: int) -> None:
    """A slip of the hand is found without a query, wherever it is."""
    text = new_key().text
    other = "x" if text[position] != "x" else "y"
    assert parse_key(text[:position] + other + text[position + 1 :]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpk_",
        "x" * 63,
        "cpk_" + "a" * 10 + "_" + "b" * 48,
        "cpk_" + "a" * 1_000_000,
        "cpk_äöüßäöüßäö_" + "b" * 48,
        "cpk_" + "٣" * 10 + "_" + "b" * 48,
        "\0" * 63,
    ],
)
def test_what_was_not_made_here_is_garbage(text: str) -> None:
    """Too short, too long, other letters, other digits, no checksum."""
    assert parse_key(text) is None


@pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "\t{}", "{},{}"])
def test_a_key_has_one_spelling(around: str) -> None:
    """Each other spelling would be an entry of its own."""
    text = new_key().text
    assert parse_key(around.format(text, text)) is None


def test_the_checksum_cannot_be_computed_by_a_stranger() -> None:
    """Neither a plain checksum nor an HMAC under another key gives the right one."""
    body = new_key().text[:-8]
    digests = [
        zlib.crc32(body.encode()).to_bytes(4, "big") * 2,
        hashlib.sha256(body.encode()).digest(),
        hmac.digest(b"", body.encode(), "sha256"),
    ]
    for digest in digests:
        assert parse_key(body + "".join(ALPHABET[byte % 62] for byte in digest[:8])) is None


def test_another_pepper_ends_all_keys(settings: Any) -> None:
    """What leaks from the database alone is worth nothing."""
    settings.API_KEY_PEPPER = "a-pepper-of-enough-characters"
    made = new_key()
    assert parse_key(made.text) == made.known
    settings.API_KEY_PEPPER = "another-pepper-of-enough-characters"
    assert parse_key(made.text) is None


def test_without_a_pepper_the_secret_key_stands_in(settings: Any) -> None:
    """And with one, a new SECRET_KEY leaves the text of keys alone."""
    settings.API_KEY_PEPPER = None
    made = new_key()
    settings.SECRET_KEY = "another-secret-key-of-enough-characters"
    assert parse_key(made.text) is None
    settings.API_KEY_PEPPER = "a-pepper-of-enough-characters"
    made = new_key()
    settings.SECRET_KEY = "a-third-secret-key-of-enough-characters"
    assert parse_key(made.text) == made.known


def test_the_digest_depends_on_every_character() -> None:
    """It is of the whole key, not of its prefix."""
    made = new_key()
    other = "1" if made.text[-9] == "0" else "0"
    again = dataclasses.replace(made, text=made.text[:-9] + other + made.text[-8:])
    assert parse_key(again.text) != made.known


def test_the_memory_of_owners_is_bounded() -> None:
    """However many keys are shown to a process; the one not asked for the longest goes."""
    owners = Owners(most=3)
    for number in range(3):
        owners.keep(f"d{number}", Owner(key_id=number, user_id=number))
    assert owners.get("d0") == Owner(key_id=0, user_id=0)
    owners.keep("d3", Owner(key_id=3, user_id=3))
    assert len(owners) == 3
    assert owners.get("d1") is None
    assert owners.get("d0") is not None


def test_a_forked_process_begins_without_owners() -> None:
    """A lock that another thread held at the fork is gone as well."""
    owners = Owners()
    owners.keep("d", Owner(key_id=1, user_id=1))
    owners._lock.acquire()
    owners.reset()
    assert owners.get("d") is None
