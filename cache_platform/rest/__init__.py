"""The cache over HTTP: responses of cached reads, problem responses, and who is calling."""
