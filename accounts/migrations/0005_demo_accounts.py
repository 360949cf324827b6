"""The demo accounts, without a usable password: `manage.py demo_accounts` sets it."""

from django.db import migrations

from accounts.demo import create_demo_users


def create(apps, schema_editor):
    create_demo_users(apps.get_model("accounts", "User"))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_token_family_and_api_key"),
        ("cache_platform", "0001_initial"),
    ]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
