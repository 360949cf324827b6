"""Servers that tests start: real ones, on unix sockets and free ports, gone when the tests are."""
