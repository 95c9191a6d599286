"""Benchmarks: what Jobs does in a second, beside a raw floor measured in the same run."""
