"""Bodies whose values have the JSON types that the schema says: DRF's fields would make text of numbers, and truth of
words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError


class Body(serializers.Serializer[Any]):
    """A body of JSON. A value of another type than its field's is refused, not converted."""

    def to_internal_value(self, data: Any) -> Any:  # noqa: ANN401  # any JSON
        """The fields that were given. Raises ValidationError for all that is wrong at once."""
        wrong = self.wrong_in(data) if isinstance(data, Mapping) else {}
        try:
            given = super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError({**_by_field(error), **wrong}) from None
        if wrong:
            raise ValidationError(wrong)
        return given

    def wrong_in(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        """What is wrong with the body whatever the fields make of it, by field."""
        loose = {name: field for name, field in self.fields.items() if name in data and _is_loose(field, data[name])}
        return {name: [str(field.error_messages["invalid"])] for name, field in loose.items()}


def _is_loose(field: serializers.Field[Any, Any, Any, Any], value: object) -> bool:
    """Whether `field` would take `value` only by converting it. An integer may be written 1.0 (JSON Schema, 6.1.1)."""
    if value is None:  # which a field allows or not, and says so
        return False
    if isinstance(field, serializers.CharField):
        return not isinstance(value, str)
    if isinstance(field, serializers.BooleanField):
        return not isinstance(value, bool)
    if isinstance(field, serializers.IntegerField):
        return isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value % 1 == 0))
    if isinstance(field, serializers.FloatField):
        return isinstance(value, bool) or not isinstance(value, int | float)
    return False


def _by_field(error: ValidationError) -> dict[str, Any]:
    return error.detail if isinstance(error.detail, dict) else {"request": error.detail}
