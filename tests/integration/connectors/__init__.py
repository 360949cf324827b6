"""Connected platforms, on a real Redis and the real sandbox."""
