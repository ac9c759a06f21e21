"""Each use case through its flow, on a real database."""
