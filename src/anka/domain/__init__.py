"""The rules of the market in pure Python: no database, no clock, no chance, nothing outside the standard library."""
