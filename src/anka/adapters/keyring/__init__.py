"""Keyrings: where key-encryption keys are kept."""
