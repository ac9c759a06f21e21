"""Pages: each parses what it was asked, calls one flow, job or query, and renders. They work without JavaScript."""
