"""The outbox (tags whose bump is still to be made, written in the transactions that changed them), locks' fences, and
who may look at the cache and flush it."""

from __future__ import annotations

from django.db import models


class OutboxRow(models.Model):
    """The tags of one write that could not be held or bumped. Whoever bumps them deletes the row."""

    tags = models.TextField()
    """One tag a line."""
    token = models.CharField(max_length=16)
    """The write's hold, which may stand on some of the tags."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "cache_platform_outbox"
        verbose_name = "outbox row"

    def __str__(self) -> str:
        return f"{self.pk}: {self.tags[:80]}"


class LockFence(models.Model):
    """The greatest fencing number that has written under a lock. Without its row an older holder could write again."""

    name = models.CharField(max_length=120, primary_key=True)
    number = models.BigIntegerField()

    class Meta:
        db_table = "cache_platform_lock_fence"
        verbose_name = "lock fence"

    def __str__(self) -> str:
        return f"{self.name}: {self.number}"


class Cache(OutboxRow):
    """What the permissions to look at the cache and to flush it are about. It has no table of its own, and no rows."""

    class Meta:
        proxy = True
        default_permissions = ()
        permissions = [("view_cache", "Can view the cache"), ("flush_cache", "Can flush the cache")]
        verbose_name = "cache"
        verbose_name_plural = "cache"

    def __str__(self) -> str:
        return "cache"
