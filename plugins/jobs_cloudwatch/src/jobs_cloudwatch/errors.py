"""Errors of CloudWatch."""

from __future__ import annotations


class Away(Exception):
    """CloudWatch accepts no events at present. The message says why and quotes no event.

    `code` is the AWS error code. `passing` errors, such as throttling, may be over in a second.
    """

    def __init__(self, words: str, code: str = "", passing: bool = False) -> None:
        super().__init__(words)
        self.code = code
        self.passing = passing


class Refused(Exception):
    """CloudWatch rejects these events permanently because of their content."""
