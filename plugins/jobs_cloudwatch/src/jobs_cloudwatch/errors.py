"""Errors of CloudWatch."""

from __future__ import annotations


class Unavailable(Exception):
    """CloudWatch accepts no events at present. The message says why and quotes no event.

    `code` is the AWS error code. `transient` errors, such as throttling, may be over in a second.
    """

    def __init__(self, words: str, code: str = "", transient: bool = False) -> None:
        super().__init__(words)
        self.code = code
        self.transient = transient


class Rejected(Exception):
    """CloudWatch rejects these events permanently because of their content."""
