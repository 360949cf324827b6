"""Registration of the app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People who sign in."""

    name = "accounts"

    def ready(self) -> None:
        """Listen for sign-ins, have what is read right after them warmed, and check the limits."""
        from django.contrib.auth.signals import user_logged_in
        from django.core.checks import Tags, register

        from accounts import warming  # noqa: F401  # registers what is warmed
        from accounts.checks import check_attempts
        from accounts.sign_ins import note_sign_in

        register(check_attempts, Tags.security, deploy=True)
        user_logged_in.connect(note_sign_in, dispatch_uid="accounts.note_sign_in")
