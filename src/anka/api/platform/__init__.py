"""What the platform's own staff ask of the API. To everybody else it does not exist."""
