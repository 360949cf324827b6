from django.db import migrations, models

# What only one kind of database needs is no model: PostgreSQL has sequences and advisory locks of its own.
MADE = {
    "postgresql": ["CREATE SEQUENCE cache_platform_fence"],
    "sqlite": [
        "CREATE TABLE cache_platform_fence (number integer NOT NULL PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE cache_platform_lock (name text NOT NULL PRIMARY KEY, owner text NOT NULL, deadline integer NOT NULL)",
    ],
}
DROPPED = {
    "postgresql": ["DROP SEQUENCE cache_platform_fence"],
    "sqlite": ["DROP TABLE cache_platform_fence", "DROP TABLE cache_platform_lock"],
}


def make(apps, schema_editor):
    for statement in MADE.get(schema_editor.connection.vendor, ()):
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    for statement in DROPPED.get(schema_editor.connection.vendor, ()):
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("cache_platform", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="LockFence",
            fields=[
                ("name", models.CharField(max_length=120, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "lock fence",
                "db_table": "cache_platform_lock_fence",
            },
        ),
        migrations.RunPython(make, drop),
    ]
