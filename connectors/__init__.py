"""Platforms that people connect: OAuth, their status, what is extracted from them, and the signature made of it."""
