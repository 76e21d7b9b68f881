"""Seeded experiments of a few seconds each; every function returns plain arrays."""
