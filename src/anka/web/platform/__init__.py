"""Pages of the platform's own staff. To everybody else they do not exist."""
