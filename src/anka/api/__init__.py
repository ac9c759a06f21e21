"""The HTTP API: one table of routes, served by a small dispatcher for tokens and by Django for cookie sessions."""
