"""Made the demo accounts, which 0005 does now: a write may need the outbox, whose table did not exist at this point.

A dependency on that table here would make sites refuse to migrate that have applied this already.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = []
