"""The conformance kit with the breaker policy."""

from jobs_core.testing import PolicyConformance


class TestBreaker(PolicyConformance):
    plugin = policy = "breaker"
