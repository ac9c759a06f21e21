"""Our own lints: rules of the house that no tool knows. Run `python -m scripts.lints`."""
