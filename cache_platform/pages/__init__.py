"""The staff's pages about the cache, in Django's admin."""
