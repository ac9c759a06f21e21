"""A market's money twice: once really, once as plain sums."""
