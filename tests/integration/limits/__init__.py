"""Rate limits on the running site."""
