"""A request that writes, and then reads: it sees what it has written, whatever it had read ahead."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from accounts.models import Profile
from accounts.policies import PROFILE
from accounts.profiles import read_profile
from accounts.rest.base import user_in
from cache_platform import ahead
from cache_platform.rest.lookahead import LooksAhead
from tests.integration.limits.test_one_round_trip import Person, empty_redis, person
from tests.integration.limits.trips import counted_trips

__all__ = ["empty_redis", "person"]


class Writes(LooksAhead):
    """Names the profile anew, and answers with what is read of it then."""

    reads = (PROFILE,)
    nested: ClassVar[bool] = False
    named: ClassVar[str] = ""

    def get(self, request: Request) -> Response:
        """The name and where it came from."""
        if self.named and self.nested:
            with ahead.scope():
                self.write(request)
        elif self.named:
            self.write(request)
        found = read_profile(user_id=user_in(request).pk)
        assert found.value is not None
        return Response({"name": found.value.display_name, "source": found.source})

    def write(self, request: Request) -> None:
        """In a transaction that has ended when it returns."""
        with transaction.atomic():
            Profile.objects.filter(user=user_in(request).pk).first()
            Profile.objects.update_or_create(user_id=user_in(request).pk, defaults={"display_name": self.named})


def ask(person: Person, **more: Any) -> dict[str, str]:
    """What the view answers, with these attributes."""
    request = APIRequestFactory().get("/", headers=person.signed_in.bearer)
    answer = Writes.as_view(**more)(request)
    assert answer.status_code == 200
    return dict(answer.data)


@pytest.mark.parametrize("nested", [False, True], ids=["in the request", "in one inside it"])
def test_a_request_sees_what_it_has_written(person: Person, nested: bool) -> None:
    """By the ORM, in a transaction that was committed between reading ahead and reading."""
    ask(person)
    with counted_trips() as sent:
        assert ask(person)["source"] == "hit"
    assert len(sent) == 1, "nothing was read ahead, so this test says nothing"
    assert ask(person, named="anew", nested=nested) == {"name": "anew", "source": "load"}
    assert ask(person) == {"name": "anew", "source": "hit"}


def test_a_write_that_was_rolled_back_is_not_seen(person: Person) -> None:
    """Nor does what was read ahead outlive it as something else than it was."""

    class Fails(Writes):
        def write(self, request: Request) -> None:
            with transaction.atomic():
                Profile.objects.update_or_create(user_id=user_in(request).pk, defaults={"display_name": "never"})
                transaction.set_rollback(True)

    before = ask(person)
    request = APIRequestFactory().get("/", headers=person.signed_in.bearer)
    answer = Fails.as_view(named="never")(request)
    assert answer.data["name"] == before["name"]


@pytest.mark.parametrize("order", ["token", "key"])
def test_beside_a_session_the_credential_of_the_header_is_the_one_foreseen(person: Person, order: str) -> None:
    """It authenticates the request; a browser adds its cookie by itself."""
    credential = person.signed_in.bearer if order == "token" else {"X-API-Key": person.key}
    for _ in range(2):
        assert person.browser.get("/limited/profile", headers=credential).status_code == 200
    with counted_trips() as sent:
        assert person.browser.get("/limited/profile", headers=credential).json()["cached"] is True
    assert len(sent) == 1
