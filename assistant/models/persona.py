"""Who the assistant is."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from accounts.validators import normal_name, validate_plain_text
from assistant.validators import validate_text

LONGEST_NAME = 80
LONGEST_DESCRIPTION = 500
LONGEST_PROMPT = 8000
SYSTEM_WIDE = 0
"""The `audience` of personas that everybody sees."""
VERSIONED = frozenset({"name", "description", "system_prompt", "is_active"})
"""Fields whose change raises the version."""


class Persona(models.Model):
    """A way for the assistant to be: somebody's own, or system-wide, for everybody."""

    name = models.CharField(max_length=LONGEST_NAME, validators=[validate_plain_text])
    """In one spelling (NFC, trimmed)."""
    description = models.CharField(max_length=LONGEST_DESCRIPTION, blank=True, validators=[validate_plain_text])
    system_prompt = models.TextField(max_length=LONGEST_PROMPT, blank=True, validators=[validate_text])
    """What the model is told before anything else."""
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="personas"
    )
    """Whose it is; None for a system-wide one."""
    version = models.PositiveIntegerField(default=1, editable=False)
    """Part of what answers are cached by."""
    audience = models.GeneratedField(
        expression=Coalesce("created_by_id", SYSTEM_WIDE),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    """Whose lists show it: its owner's number, or SYSTEM_WIDE. Tags are made of it, and of NULL none can be."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["created_by", "name"], name="one_persona_of_a_name"),
            models.UniqueConstraint(fields=["name"], condition=Q(created_by=None), name="one_system_persona_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """The name in its one spelling, which may be longer. Forms that cannot set the owner leave the constraints out,
        so what they say is said here."""
        self.name = normal_name(self.name)
        if len(self.name) > LONGEST_NAME:
            raise ValidationError({"name": f"must have at most {LONGEST_NAME} characters"})
        others = Persona.objects.filter(created_by_id=self.created_by_id, name=self.name).exclude(pk=self.pk)
        if others.exists():
            raise ValidationError({"name": "There is a persona of that name."})
