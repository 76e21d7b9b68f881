"""The package of the tiny book."""
