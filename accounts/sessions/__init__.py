"""Sessions: rows in the database, read through the cache."""
