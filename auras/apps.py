"""Registration of the app."""

from django.apps import AppConfig


class AurasConfig(AppConfig):
    """Auras."""

    name = "auras"

    def ready(self) -> None:
        """Register the policy and the usage, for commands that import no views."""
        from auras import policies, usage  # noqa: F401  # registers
