"""What buyers (and, where the table says so, merchants) ask of the API: parse, one flow or one query, answer."""
