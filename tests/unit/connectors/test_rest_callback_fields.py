"""What may come back from a platform."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from connectors.rest.callback_fields import ERRORS, UNKNOWN, CallbackFields, in_query


def valid(**given: Any) -> dict[str, Any]:
    """The fields, checked."""
    fields = CallbackFields(data=given)
    fields.is_valid(raise_exception=True)
    return dict(fields.validated_data)


def test_a_code_and_a_state_are_taken_as_they_are() -> None:
    """Spaces at their ends too: they are part of them."""
    assert valid(code=" x ", state=" y ", iss="https://a.example") == {
        "code": " x ",
        "state": " y ",
        "iss": "https://a.example",
    }


@pytest.mark.parametrize("error", sorted(ERRORS))
def test_known_errors_come_out_as_they_are(error: str) -> None:
    """The seven of RFC 6749."""
    assert valid(error=error, state="y")["error"] == error


@pytest.mark.parametrize("error", ["Access_denied", "<b>", "access_denied ", "slow_down"])
def test_other_errors_come_out_as_unknown(error: str) -> None:
    """Whatever they say."""
    assert valid(error=error, state="y")["error"] == UNKNOWN


def test_lengths_are_bounded() -> None:
    """The longest is good, one letter more is not."""
    longest = {"code": "c" * 2000, "state": "s" * 200, "iss": "i" * 500}
    assert valid(**longest) == longest
    for name, value in longest.items():
        with pytest.raises(ValidationError) as caught:
            valid(**{**longest, name: value + "x"})
        assert set(caught.value.detail) == {name}


def test_unknown_parameters_of_a_query_are_ignored() -> None:
    """RFC 6749, 4.1.2: platforms add their own."""
    query = QueryDict("code=x&state=y&scope=a+b&authuser=0&scope=c")
    assert in_query(query) == {"code": "x", "state": "y"}


def test_empty_parameters_count_as_left_out() -> None:
    """RFC 6749, 3.1."""
    assert in_query(QueryDict("code=x&state=y&error=&iss")) == {"code": "x", "state": "y"}


@pytest.mark.parametrize("query", ["code=x&code=x&state=y", "code=x&code=&state=y", "state=&state=y"])
def test_a_parameter_that_is_there_twice_is_refused(query: str) -> None:
    """Also the same twice, and an empty one beside a full one."""
    with pytest.raises(ValidationError):
        in_query(QueryDict(query))
