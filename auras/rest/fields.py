"""What the bodies of the auras' routes may say."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from rest_framework import serializers

from accounts.rest.changes import ChangeSerializer
from accounts.validators import normal_name, validate_plain_text
from auras.models import LONGEST_DESCRIPTION, LONGEST_KIND, LONGEST_NAME
from auras.validators import validate_kind, validate_settings


class AuraFields(ChangeSerializer):
    """What an aura is to be. `settings` replaces all that there were."""

    shown_only = frozenset({"id", "user_id", "created_at", "updated_at"})

    name = serializers.CharField(max_length=LONGEST_NAME, validators=[validate_plain_text])
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST_DESCRIPTION, validators=[validate_plain_text]
    )
    kind = serializers.CharField(required=False, max_length=LONGEST_KIND, validators=[validate_kind])
    settings = serializers.DictField(required=False, validators=[validate_settings])

    def validate_name(self, value: str) -> str:
        """In its one spelling, which may be longer or shorter."""
        name = normal_name(value)
        if not 0 < len(name) <= LONGEST_NAME:
            raise ValidationError(f"must have 1 to {LONGEST_NAME} characters")
        return name
