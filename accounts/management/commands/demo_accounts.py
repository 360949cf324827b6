"""`manage.py demo_accounts`: create the demo accounts, with details, and set their password from DEMO_PASSWORD."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from accounts.demo import create_demo_details, create_demo_users, set_demo_password
from accounts.models import User


class Command(BaseCommand):
    """Run by `make run` at each start; safe to run again."""

    help = "Create the demo accounts and set their password from DEMO_PASSWORD."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--keep-passwords`, for a DEMO_PASSWORD that nobody chose."""
        parser.add_argument(
            "--keep-passwords", action="store_true", help="leave accounts alone that have a usable password already"
        )

    def handle(self, *_args: Any, keep_passwords: bool, **_options: Any) -> None:
        """Raises CommandError when DEMO_PASSWORD is not set."""
        if not settings.DEMO_PASSWORD:
            raise CommandError("DEMO_PASSWORD is not set: give the password that the demo accounts shall have")
        try:
            create_demo_users(User)
            create_demo_details()
            set_demo_password(settings.DEMO_PASSWORD, keep=keep_passwords)
        except DatabaseError as error:
            raise CommandError(f"{error}. Is the database there, and has `manage.py migrate` been run?") from error
