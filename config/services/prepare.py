"""What has to be done before the site starts, in one process: static files, migrations, demo accounts."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor


def main() -> int:
    """Do it. Returns the exit code; a wrong setting or a database that is away is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m config.services.prepare", description=__doc__)
    parser.add_argument("--keep-passwords", action="store_true", help="see `manage.py demo_accounts`")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError
    from django.db import DatabaseError

    from config.environment import ConfigurationError

    try:
        django.setup()
        _prepare(keep_passwords=arguments.keep_passwords)
    except (ConfigurationError, ImproperlyConfigured, CommandError, DatabaseError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _prepare(*, keep_passwords: bool) -> None:
    from django.core.management import call_command

    # Side by side, because neither static files nor the index of places need the database.
    with ThreadPoolExecutor(1) as other:
        without_database = other.submit(_without_database)
        call_command("check", no_color=True)  # its warnings name variables that do nothing
        call_command("migrate", interactive=False, verbosity=1, no_color=True)
        call_command("demo_accounts", keep_passwords=keep_passwords)
        without_database.result()


def _without_database() -> None:
    from weather import places

    _collect_static_files()
    places.prepare()


def _collect_static_files() -> None:
    from django.conf import settings
    from django.core.management import call_command

    # The settings choose immutable names once a manifest is there; this is what writes the first one.
    settings.STORAGES["staticfiles"]["BACKEND"] = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    call_command("collectstatic", interactive=False, verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
