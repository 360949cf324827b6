from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cache_platform", "0002_locks")]

    operations = [
        migrations.CreateModel(
            name="Cache",
            fields=[],
            options={
                "verbose_name": "cache",
                "verbose_name_plural": "cache",
                "permissions": [("view_cache", "Can view the cache"), ("flush_cache", "Can flush the cache")],
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("cache_platform.outboxrow",),
        ),
    ]
