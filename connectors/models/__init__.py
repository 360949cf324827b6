"""The connectors' tables."""

from connectors.models.authorization_request import AuthorizationRequest
from connectors.models.extracted_item import ExtractedItem
from connectors.models.extraction_job import ExtractionJob, JobState
from connectors.models.platform_connection import ConnectionStatus, PlatformConnection, SyncStatus
from connectors.models.token_revocation import TokenRevocation

__all__ = [
    "AuthorizationRequest",
    "ConnectionStatus",
    "ExtractedItem",
    "ExtractionJob",
    "JobState",
    "PlatformConnection",
    "SyncStatus",
    "TokenRevocation",
]
