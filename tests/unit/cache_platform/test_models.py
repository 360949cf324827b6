"""The models of the app, as Django's own tools meet them."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command

from cache_platform.models import OutboxRow


@pytest.mark.django_db
def test_data_can_be_dumped() -> None:
    """The permissions' model has no table of its own, and must not be looked for."""
    OutboxRow.objects.create(tags="user:1", token="t")
    out = io.StringIO()
    call_command("dumpdata", "cache_platform", "auth.permission", stdout=out)
    dumped = {row["model"] for row in json.loads(out.getvalue())}
    assert dumped == {"cache_platform.outboxrow", "auth.permission"}
