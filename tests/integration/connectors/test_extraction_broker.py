"""Telling the workers, whatever the broker does: the request goes on, and the relay sends it later."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from connectors.extraction import broker, jobs
from connectors.extraction.tasks import extract
from connectors.models import ExtractionJob
from tests.integration.connectors.people import Person, connect
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest

PATIENCE = 1.5
"""Seconds that a request may wait for a broker."""


@pytest.fixture(autouse=True)
def person_at_tunebox(platforms: SandboxUnderTest, person: Person) -> Person:
    """Somebody with a connection."""
    connect(platforms, person.token, "tunebox")
    return person


@contextmanager
def broker_at(url: str) -> Iterator[None]:
    """The tasks go to the broker at `url`."""
    conf = extract.app.conf
    names = ("task_always_eager", "broker_url", "broker_write_url")
    before = {name: conf[name] for name in names}
    conf.update(dict(zip(names, (False, url, url), strict=True)))
    try:
        yield
    finally:
        conf.update(before)


@contextmanager
def silent_server() -> Iterator[str]:
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        assert held, "nobody connected"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for each in held:
            each.close()


@contextmanager
def closed_port() -> Iterator[str]:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield f"redis://127.0.0.1:{port}/0"


def asked_in_time(person: Person) -> ExtractionJob:
    """A new job over REST, which is answered in time; its row."""
    began = time.monotonic()
    answer = person.token.post(f"/api/connectors/tunebox/{person.id}/extract")
    assert time.monotonic() - began < PATIENCE
    assert answer.status_code == 202
    return ExtractionJob.objects.get(pk=answer.json()["data"]["job_id"])


@pytest.mark.parametrize("server", [silent_server, closed_port])
def test_a_broker_that_is_away_keeps_nobody(
    person_at_tunebox: Person, empty_redis: RedisUnderTest, server: Callable[[], AbstractContextManager[str]]
) -> None:
    """The job is there and nobody was told of it; when the broker is back, the errand tells the workers."""
    with server() as url, broker_at(url):
        job = asked_in_time(person_at_tunebox)
        assert (job.state, job.enqueued_at) == ("queued", None)
        began = time.monotonic()
        assert broker.send_waiting() == 0
        assert time.monotonic() - began < PATIENCE
    with broker_at(f"redis+socket://{empty_redis.socket}"):
        assert broker.send_waiting() == 1
        assert broker.send_waiting() == 0, "they were told just now"
    job.refresh_from_db()
    assert job.enqueued_at is not None
    assert messages(empty_redis) == [[str(job.pk)]]


def test_a_broker_that_hangs_costs_once_for_all_jobs(platforms: SandboxUnderTest, person_at_tunebox: Person) -> None:
    """The errand leaves the rest to its next turn."""
    connect(platforms, person_at_tunebox.token, "chirper")
    with silent_server() as url, broker_at(url):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(broker, "send", lambda _found: 0)
            for provider in ("tunebox", "chirper"):
                jobs.request(person_at_tunebox.id, provider)
        began = time.monotonic()
        assert broker.send_waiting() == 0
        assert time.monotonic() - began < PATIENCE


def test_the_message_is_sent_after_the_row_is_committed(person_at_tunebox: Person, empty_redis: RedisUnderTest) -> None:
    """It names the task by its fixed name, and the job."""
    with broker_at(f"redis+socket://{empty_redis.socket}"):
        job = asked_in_time(person_at_tunebox)
        assert asked_in_time(person_at_tunebox).pk == job.pk
    assert job.enqueued_at is not None
    assert messages(empty_redis) == [[str(job.pk)]]


def messages(server: RedisUnderTest) -> list[list[str]]:
    """The arguments of the extractions that wait in the broker."""
    with server.client() as raw:
        found = [json.loads(text) for text in raw.lrange("celery", 0, -1)]
    assert all(each["headers"]["task"] == "connectors.tasks.extract" for each in found)
    return [json.loads(base64.b64decode(each["body"]))[0] for each in found]
