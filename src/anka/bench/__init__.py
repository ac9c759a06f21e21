"""Measurements of a whole installation, run by `anka bench`. They live in the package so that they run where it is installed."""
