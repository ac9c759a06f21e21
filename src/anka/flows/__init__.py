"""One use case per file: lock, gather facts, decide, write, audit, ask for work. Each is one durable transaction."""
