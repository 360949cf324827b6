"""Flushing by hand, over HTTP and on a real Redis."""
