"""The system-wide personas that a site begins with."""

from django.db import migrations

from assistant.demo import create_demo_personas


def create(apps, schema_editor):
    create_demo_personas(apps.get_model("assistant", "Persona"))


class Migration(migrations.Migration):
    dependencies = [
        ("assistant", "0001_initial"),
        ("cache_platform", "0001_initial"),
    ]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
