"""What is cached of the connectors, and which changes supersede it."""

from __future__ import annotations

import math
from uuid import UUID

from cache_platform import CachePolicy, register, tags_of
from connectors.models import ExtractedItem, ExtractionJob, PlatformConnection
from connectors.schema import ConnectionsEntry, JobView, Quota, Signature, StatusEntry

CONNECTIONS_TAG = "connections:{user_id}"

STATUS = register(
    CachePolicy(
        name="connectors.platform_status",
        description="The state of each of a user's platforms.",
        schema=StatusEntry,
        params={"user_id": int},
        tags=("user:{user_id}", CONNECTIONS_TAG),
        ttl=300,
        until=lambda entry: entry.valid_until,
    )
)

CONNECTIONS = register(
    CachePolicy(
        name="connectors.oauth_connections",
        description="A user's connections with platforms, without their tokens.",
        schema=ConnectionsEntry,
        params={"user_id": int},
        tags=("user:{user_id}", CONNECTIONS_TAG),
        ttl=600,
        until=lambda entry: entry.valid_until,
    )
)

SIGNATURE = register(
    CachePolicy(
        name="connectors.signature",
        description="Traits and clusters computed from what was extracted.",
        schema=Signature,
        params={"user_id": int},
        tags=("user:{user_id}", "signature:{user_id}"),
        ttl=900,
    )
)

JOB = register(
    CachePolicy(
        name="connectors.extraction_job",
        description="The state and progress of an extraction.",
        schema=JobView,
        params={"job_id": UUID},
        tags=("extraction_job:{job_id}",),
        ttl=60,
        until=lambda job: job.waits_until.timestamp() if job.waits_until else math.inf,
    )
)

QUOTA = register(
    CachePolicy(
        name="connectors.platform_quota",
        description="What a platform said of a connection's quota with its last answer.",
        schema=Quota,
        params={"connection_id": int},
        tags=("quota:{connection_id}",),
        ttl=3600,
        consistency="relaxed",
        until=lambda quota: quota.resets_at,
    )
)

# New tokens alone change nothing that anybody sees.
tags_of(
    PlatformConnection,
    CONNECTIONS_TAG,
    ignoring=("sealed_tokens", "refresh_claim", "refresh_claimed_until"),
)
tags_of(ExtractedItem, "signature:{user_id}")
tags_of(ExtractionJob, "extraction_job:{id}", ignoring=("lease", "lease_until", "enqueued_at", "cursor"))
