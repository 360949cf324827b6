"""What is cached of the site itself."""

from cache_platform import CachePolicy, register

WORKER = register(
    CachePolicy(
        name="service.worker",
        description="The last sign of life of the Celery worker and its beat.",
        schema=dict[str, str],
        ttl=90,
        consistency="relaxed",
    )
)
