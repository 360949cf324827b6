"""What `make run` starts: Redis, PostgreSQL, the sandbox, the web server, the Celery worker and its beat."""
