"""Chat on running sites, with real servers."""
