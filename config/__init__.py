"""The site: settings, routes, servers."""
