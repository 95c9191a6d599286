"""What may keep events from CloudWatch."""

from __future__ import annotations


class Away(Exception):
    """CloudWatch takes nothing at present. Its text says why, and quotes nothing of an event.

    `code` is AWS's name for it. What is `passing`, such as throttling, may well be over in a second.
    """

    def __init__(self, words: str, code: str = "", passing: bool = False) -> None:
        super().__init__(words)
        self.code = code
        self.passing = passing


class Refused(Exception):
    """CloudWatch would refuse these events again and again, for what they are."""
