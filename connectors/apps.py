"""Registration of the app."""

from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    """Platforms that people connect."""

    name = "connectors"

    def ready(self) -> None:
        """Register what is warmed at sign-in, what the relay sees to and the usage, and listen for deletions."""
        from django.db.models.signals import pre_delete

        from connectors import errands, usage, warming  # noqa: F401  # they register
        from connectors.models import PlatformConnection
        from connectors.revocations import note_deleted

        pre_delete.connect(note_deleted, sender=PlatformConnection, dispatch_uid="connectors.note_deleted")
