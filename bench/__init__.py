"""Benchmarks of Jobs, compared with a raw floor measured in the same run."""
