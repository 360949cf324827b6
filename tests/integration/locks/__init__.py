"""Locks between processes, with real servers."""
