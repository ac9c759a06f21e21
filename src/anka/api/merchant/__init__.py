"""What merchants ask of the API."""
