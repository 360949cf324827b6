"""The connectors' tasks. All of them are safe to run twice, and side by side."""

from __future__ import annotations

from celery import shared_task

from connectors import access, authorizations, revocations
from connectors.extraction import jobs
from connectors.extraction.tasks import extract

__all__ = ["extract", "forget_jobs", "forget_requests", "renew_tokens", "revoke_tokens"]


@shared_task
def renew_tokens() -> int:
    """Renew the tokens that end soon; how many were."""
    return access.renew_due()


@shared_task
def revoke_tokens() -> int:
    """Ask the platforms again that did not take tokens back; how many were taken back."""
    return revocations.attempt_due()


@shared_task
def forget_requests() -> int:
    """Delete the walks to platforms that nobody came back from; how many."""
    return authorizations.forget_requests()


@shared_task
def forget_jobs() -> int:
    """Delete the extractions that ended long ago; how many. What they brought stays."""
    return jobs.forget_ended()
