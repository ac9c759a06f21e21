"""The order and case life by heart: a model in pure Python, and a machine that lets it run beside the real market."""
