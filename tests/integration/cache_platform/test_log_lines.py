"""Each read writes one line, on both stores: HIT, MISS or STALE, its policy, its key, its milliseconds."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from cache_platform import SourceTimeout, get_many_or_load, invalidate, read
from cache_platform.reading import flights
from cache_platform.testing import PausedLoader
from tests.integration.cache_platform.test_read_path import broken, expire_soon, never
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.waiting import wait_until

pytestmark = pytest.mark.usefixtures("store")

LINE = re.compile(r"(?P<words>[A-Za-z\- ]+) (?P<policy>test\.\w+) (?P<key>cp:\S+) \d+\.\d ms")


@pytest.fixture(autouse=True)
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What was logged, at every level."""
    caplog.set_level(logging.DEBUG)
    return caplog


def written(lines: pytest.LogCaptureFixture) -> list[str]:
    """The access lines so far."""
    return [record.getMessage() for record in lines.records if record.name == "cache_platform.access"]


def words(lines: pytest.LogCaptureFixture) -> list[str]:
    """What the access lines begin with; each must have the form of one."""
    matches = [LINE.fullmatch(line) for line in written(lines)]
    assert all(matches), written(lines)
    return [match["words"] for match in matches if match]


def load(**params: object) -> Any:
    """A loader."""
    return {"n": 1}


def test_a_miss_and_a_hit(strict: Any, lines: pytest.LogCaptureFixture) -> None:
    """The key is the entry's own, as redis-cli shows it."""
    read(strict, {"id": 42}, load)
    read(strict, {"id": 42}, never)
    assert words(lines) == ["MISS", "HIT"]
    key = strict.address({"id": 42}).key
    assert all(f" test.strict {key} " in line for line in written(lines))
    assert "id=42" in key


def test_a_local_copy(declare: Any, lines: pytest.LogCaptureFixture) -> None:
    """Answered by the process itself."""
    policy = declare(params={"id": int}, consistency="relaxed", audience="public", local_ttl=30)
    read(policy, {"id": 1}, load)
    read(policy, {"id": 1}, never)
    assert words(lines) == ["MISS", "HIT local"]


def test_a_stale_answer(relaxed: Any, monkeypatch: Any, lines: pytest.LogCaptureFixture) -> None:
    """The source failed, and the last good value is served."""
    expire_soon(relaxed, monkeypatch, {"n": 1})
    read(relaxed, {"id": 1}, broken)
    assert words(lines) == ["MISS", "STALE"]


def test_one_who_waits(strict: Any, lines: pytest.LogCaptureFixture) -> None:
    """A miss that cost no load."""
    loader = PausedLoader({"n": 1})
    first = in_thread(lambda: read(strict, {"id": 1}, loader))
    loader.wait_until_entered()
    second = in_thread(lambda: read(strict, {"id": 1}, loader))
    flight = flights._flights[strict.address({"id": 1}).key]
    wait_until(lambda: len(flight._done._cond._waiters) == 1, what="the second one waits")
    loader.resume()
    result(first)
    result(second)
    assert sorted(words(lines)) == ["MISS", "MISS collapsed"]


def test_a_read_that_the_store_did_not_answer(strict: Any, settings: Any, lines: pytest.LogCaptureFixture) -> None:
    """With the reason that Cache-Status gives."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "ENABLED": False}
    read(strict, {"id": 1}, load)
    assert words(lines) == ["MISS bypass off"]


def test_a_read_that_failed(strict: Any, lines: pytest.LogCaptureFixture) -> None:
    """It has a line as well."""
    with pytest.raises(SourceTimeout):
        read(strict, {"id": 1}, broken)
    assert words(lines) == ["MISS failed"]


def test_a_batch_of_five_hundred_is_one_line(strict: Any, lines: pytest.LogCaptureFixture) -> None:
    """Whatever it found."""
    wanted = [{"id": number} for number in range(500)]
    get_many_or_load(strict, wanted[:3], lambda missing: [{"n": 1} for _ in missing])
    get_many_or_load(strict, wanted, lambda missing: [{"n": 1} for _ in missing])
    first, second = written(lines)
    assert first.startswith("BATCH test.strict: 3 MISS ")
    assert second.startswith("BATCH test.strict: 3 HIT, 497 MISS ")


def test_an_invalidation(strict: Any, lines: pytest.LogCaptureFixture) -> None:
    """It names its tags."""
    invalidate("user:1", "user:2")
    assert re.fullmatch(r"INVALIDATED user:1 user:2 \d+\.\d ms", written(lines)[-1])


def test_secrets_and_values_never_show(declare: Any, lines: pytest.LogCaptureFixture) -> None:
    """Not in any line of any logger, hit, miss, batch or failure."""
    policy = declare(
        name="test.token",
        params={"user_id": int, "token": str},
        secret_params=frozenset({"token"}),
        tags=("credentials:{user_id}", "token:{token}"),
    )
    params = {"user_id": 1, "token": "eyJhbGciOiJIUzI1NiJ9.very-secret"}
    read(policy, params, lambda **_: {"value": "very-private"})
    read(policy, params, never)
    get_many_or_load(policy, [params], never)
    with pytest.raises(SourceTimeout):
        read(policy, {**params, "token": "another-very-secret"}, broken)
    assert len(written(lines)) == 4
    assert "very-" not in lines.text
    assert "eyJ" not in lines.text


@pytest.mark.parametrize("text", ["x\nHIT accounts.user cp:forged 0.1 ms", "x\r\nINFO", "\x1b[2J", "\x00", "a b,c=d:e"])
def test_a_parameter_cannot_forge_a_line(declare: Any, lines: pytest.LogCaptureFixture, text: str) -> None:
    """Line breaks, escape sequences and separators are percent-encoded."""
    policy = declare(name="test.search", params={"q": str})
    read(policy, {"q": text}, lambda q: {"n": 1})
    line = written(lines)[0]
    assert line.isprintable()
    assert words(lines) == ["MISS"]
