"""The accounts' tasks."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from accounts.models import ApiKey, Session, TokenFamily

KEPT = timedelta(days=30)
"""How long a revoked or expired key is still there to be looked at."""


@shared_task
def forget_ended_credentials() -> None:
    """Delete what has ended: sessions, token families, keys. Safe to run twice."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    TokenFamily.objects.filter(expires_at__lt=now).delete()
    ApiKey.objects.filter(revoked_at__lt=now - KEPT).delete()
    ApiKey.objects.filter(expires_at__lt=now - KEPT).delete()
