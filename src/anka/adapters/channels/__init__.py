"""Payment channels: one port, and one thin adapter per channel."""
