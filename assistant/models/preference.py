"""What a user wants of the assistant."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from assistant.models.persona import Persona

DEFAULT_TEMPERATURE = 0.7
HIGHEST_TEMPERATURE = 2.0


class Preference(models.Model):
    """A user's choice; made at its first change, so a user without one has the defaults."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assistant_preference")
    persona = models.ForeignKey(Persona, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    temperature = models.FloatField(
        default=DEFAULT_TEMPERATURE, validators=[MinValueValidator(0), MaxValueValidator(HIGHEST_TEMPERATURE)]
    )
    """How much answers vary: 0 to 2."""
    use_documents = models.BooleanField(default=False)
    """Whether one's documents go into the prompt."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(temperature__gte=0, temperature__lte=HIGHEST_TEMPERATURE), name="temperature_0_to_2"
            )
        ]

    def __str__(self) -> str:
        return f"assistant preference of user {self.user_id}"
