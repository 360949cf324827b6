"""Metrics for Prometheus, over HTTP and over several processes."""
