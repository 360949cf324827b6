"""Registration of the app."""

from django.apps import AppConfig


class AssistantConfig(AppConfig):
    """The assistant."""

    name = "assistant"

    def ready(self) -> None:
        """Register the policies and the usage, for commands that import no views."""
        from assistant import policies, usage  # noqa: F401  # registers
