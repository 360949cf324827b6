from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cache_platform", "0002_locks")]

    operations = [
        migrations.CreateModel(
            name="Cache",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "verbose_name": "cache",
                "verbose_name_plural": "cache",
                "permissions": [("view_cache", "Can view the cache"), ("flush_cache", "Can flush the cache")],
                "managed": False,
                "default_permissions": (),
            },
        ),
    ]
