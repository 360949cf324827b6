"""Bodies of JSON: the types are those of the schema."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework import serializers

from accounts.rest.bodies import Body


class Fields(Body):
    """One of each."""

    text = serializers.CharField(required=False, allow_null=True)
    truth = serializers.BooleanField(required=False)
    whole = serializers.IntegerField(required=False)
    number = serializers.FloatField(required=False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 0),
        ("text", 1.5),
        ("text", True),
        ("truth", "yes"),
        ("truth", 1),
        ("whole", "5"),
        ("whole", 1.5),
        ("whole", True),
        ("number", "1.5"),
        ("number", False),
    ],
)
def test_a_value_of_another_type_is_refused_not_converted(field: str, value: object) -> None:
    """Else a client's mistake is stored as if it were meant."""
    fields = Fields(data={field: value})
    assert not fields.is_valid()
    assert list(fields.errors) == [field]


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        (
            {"text": "0", "truth": True, "whole": 5, "number": 1},
            {"text": "0", "truth": True, "whole": 5, "number": 1.0},
        ),
        ({"whole": 5.0}, {"whole": 5}),
        ({"text": None}, {"text": None}),
        ({}, {}),
    ],
)
def test_a_value_of_the_type_is_taken(given: dict[str, Any], valid: dict[str, Any]) -> None:
    """A whole number may be written 5.0, and null is for the field to allow."""
    fields = Fields(data=given)
    assert fields.is_valid(), fields.errors
    assert dict(fields.validated_data) == valid


def test_all_that_is_wrong_is_said_at_once() -> None:
    """What the fields find, and what they would have converted."""
    fields = Fields(data={"text": 1, "whole": "x", "truth": None})
    assert not fields.is_valid()
    assert {*fields.errors} == {"text", "whole", "truth"}
