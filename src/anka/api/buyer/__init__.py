"""What buyers ask of the API: parse, one flow or one query, answer."""
