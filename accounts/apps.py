"""Registration of the app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People who sign in."""

    name = "accounts"

    def ready(self) -> None:
        """Listen for sign-ins, and have what is read right after them warmed."""
        from django.contrib.auth.signals import user_logged_in

        from accounts import warming  # noqa: F401  # registers what is warmed
        from accounts.sign_ins import note_sign_in

        user_logged_in.connect(note_sign_in, dispatch_uid="accounts.note_sign_in")
