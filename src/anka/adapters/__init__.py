"""The outside world: payment channels and everything else that is called over a wire."""
