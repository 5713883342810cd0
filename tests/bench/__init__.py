"""Benchmarks: printed figures, never assertions on time."""
